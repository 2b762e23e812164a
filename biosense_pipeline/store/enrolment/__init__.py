"""Training images: checked, approved or rejected by people, encoded, and shown."""
