"""Pictures of the real window on a real X display, for README and for looking at: `make screenshots`."""
