"""Git: commits touch only what their author has reserved, and say under which lease."""
