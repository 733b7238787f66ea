"""One file per change of the tables; each follows the one before."""
