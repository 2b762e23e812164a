"""What is kept of each still beside its result, and what windows of them were found to say."""
