"""Say what things take, as intervals of seconds."""
