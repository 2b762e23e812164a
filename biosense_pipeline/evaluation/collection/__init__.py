"""An operator's own attacks: guided through at his own cameras, kept as folders of stills, learnt from."""
