"""The published models under attack and measured: what is measured, where it is kept, and its table."""
