"""What the desk shows of stills: hours, strips and timelines."""
