"""A small working day made of public-domain photographs, and stills that keep coming for a live view."""
