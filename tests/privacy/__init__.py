"""Personal data: kept for as long as the settings say, exported, erased, and in no log."""
