"""Security analytics for a ServiceNow instance."""
