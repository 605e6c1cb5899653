"""One exchange on its way: from the door to a provider and back, with what it leaves behind."""
