"""Dashboards from readable sources: as saved objects of Kibana, and as queries that any store answers."""
