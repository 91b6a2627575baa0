"""The limits: drivers alone, putting the rows that a store wrote into tables like the store's own."""
