"""The HTTP server: who may connect, bodies in and answers out."""
