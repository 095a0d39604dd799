"""Who may reach Asterisk's SIP port: addresses that `config/access.yaml` refuses, and those that are banned for what they tried."""
