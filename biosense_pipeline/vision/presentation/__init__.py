"""Numbers of a still that tell a person before the camera from a picture of one."""
