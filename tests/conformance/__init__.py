"""One suite that every driver passes; a driver's own test is a short subclass of it (see suite)."""
