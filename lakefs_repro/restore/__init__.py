"""Getting exact data back: into a folder, or onto ``main``."""
