"""What the Requests page is made of: its columns, its filter field, its live feed, and the details of one request."""
