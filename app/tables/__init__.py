"""Tables: columns as data, a windowed model for long lists, one for short ones, and a view that paints whole rows."""
