"""What ``make bench`` measures, with the peers side by side."""
