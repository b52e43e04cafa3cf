"""From a message's bytes to decoded records, whatever shape they have."""
