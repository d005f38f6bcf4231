"""Stores on a database server: PostgreSQL, MySQL and MariaDB."""
