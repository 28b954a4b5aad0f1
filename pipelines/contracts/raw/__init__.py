"""ServiceNow's tables as received: vendor's names kept, every value text, an absent column null, an empty one ''."""
