"""Verifies remote agents' webcam stills against their approved benchmark images, run by Dagster."""
