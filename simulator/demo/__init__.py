"""`./hotline demo`: a whole site, one real call told as it happens, then light traffic."""
