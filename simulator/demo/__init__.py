"""`./hotline demo`: a complete site, one real call printed as it happens, then light traffic."""
