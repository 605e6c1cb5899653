"""What `make package` builds. Its files are not named test_…: they need a build first, so that only
`make package-test` collects them."""
