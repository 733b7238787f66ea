"""Draw posts as Adaptive Cards and as text; pure."""
