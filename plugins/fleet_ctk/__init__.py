"""CTK: reservations of files, so that two specialists do not edit the same one."""
