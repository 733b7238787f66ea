"""Everything that touches the world, one package or module per technology; none knows another."""
