"""The managed Asterisk: the program, its configuration written from the site's, its process. The call itself is the business of `agi`."""
