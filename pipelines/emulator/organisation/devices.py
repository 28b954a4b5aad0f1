"""User-agent strings, grouped by what sends them."""

from __future__ import annotations

DESKTOP = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
)
DESKTOP_WEIGHTS = (0.40, 0.30, 0.08, 0.08, 0.10, 0.04)
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
    "ServiceNow/31.2.0 (com.servicenow.fulfiller; build:1; iOS 18.6.0) Alamofire/5.9",
    "ServiceNow/31.2.0 (com.servicenow.fulfiller; Android 15)",
)
PHONE_WEIGHTS = (0.35, 0.30, 0.20, 0.15)
MACHINE = {
    "sync": "HRConnect-Sync/4.8 (Java/17.0.12)",
    "monitoring": "Go-http-client/1.1",
    "mid": "MID Server/Yokohama",
    "bi": "python-requests/2.32.5",
    "bridge": "okhttp/4.12.0",
    "laptop": "MeridianDriveSync/2.11 (Windows NT 10.0)",
}
ATTACKER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:115.0) Gecko/20100101 Firefox/115.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36",
)
SCRIPT = ("python-requests/2.31.0", "curl/8.5.0", "Go-http-client/2.0")

ALL = (*DESKTOP, *PHONE, *MACHINE.values(), *ATTACKER, *SCRIPT)
INDEX = {agent: index for index, agent in enumerate(ALL)}
