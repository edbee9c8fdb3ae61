"""What the commands share: their frame and their flags."""
