"""Cities with coordinates and time zones: where the company works, travels, and where attacks come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import asin, cos, radians, sin, sqrt
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class City:
    """A real city; degrees, IANA zone. `staff` is the share of employees whose office is here."""

    name: str
    country: str
    latitude: float
    longitude: float
    zone: str
    staff: float = 0.0


OFFICES = (
    City("Rotterdam", "NL", 51.92, 4.48, "Europe/Amsterdam", 0.25),
    City("Boston", "US", 42.36, -71.06, "America/New_York", 0.20),
    City("Lyon", "FR", 45.76, 4.84, "Europe/Paris", 0.13),
    City("Leeds", "GB", 53.80, -1.55, "Europe/London", 0.12),
    City("Pune", "IN", 18.52, 73.86, "Asia/Kolkata", 0.12),
    City("Denver", "US", 39.74, -104.99, "America/Denver", 0.09),
    City("Osaka", "JP", 34.69, 135.50, "Asia/Tokyo", 0.05),
    City("Campinas", "BR", -22.91, -47.06, "America/Sao_Paulo", 0.04),
)
DESTINATIONS = (
    City("Berlin", "DE", 52.52, 13.40, "Europe/Berlin"),
    City("Madrid", "ES", 40.42, -3.70, "Europe/Madrid"),
    City("Milan", "IT", 45.46, 9.19, "Europe/Rome"),
    City("Zurich", "CH", 47.37, 8.54, "Europe/Zurich"),
    City("Vienna", "AT", 48.21, 16.37, "Europe/Vienna"),
    City("Brussels", "BE", 50.85, 4.35, "Europe/Brussels"),
    City("Antwerp", "BE", 51.22, 4.40, "Europe/Brussels"),
    City("Geneva", "CH", 46.20, 6.14, "Europe/Zurich"),
    City("Dublin", "IE", 53.35, -6.26, "Europe/Dublin"),
    City("Copenhagen", "DK", 55.68, 12.57, "Europe/Copenhagen"),
    City("Stockholm", "SE", 59.33, 18.07, "Europe/Stockholm"),
    City("Lisbon", "PT", 38.72, -9.14, "Europe/Lisbon"),
    City("Gdansk", "PL", 54.35, 18.65, "Europe/Warsaw"),
    City("London", "GB", 51.51, -0.13, "Europe/London"),
    City("Paris", "FR", 48.86, 2.35, "Europe/Paris"),
    City("Amsterdam", "NL", 52.37, 4.90, "Europe/Amsterdam"),
    City("New York", "US", 40.71, -74.01, "America/New_York"),
    City("Chicago", "US", 41.88, -87.63, "America/Chicago"),
    City("San Francisco", "US", 37.77, -122.42, "America/Los_Angeles"),
    City("Toronto", "CA", 43.65, -79.38, "America/Toronto"),
    City("Mexico City", "MX", 19.43, -99.13, "America/Mexico_City"),
    City("Singapore", "SG", 1.35, 103.82, "Asia/Singapore"),
    City("Sydney", "AU", -33.87, 151.21, "Australia/Sydney"),
    City("Tokyo", "JP", 35.68, 139.69, "Asia/Tokyo"),
    City("Mumbai", "IN", 19.08, 72.88, "Asia/Kolkata"),
    City("Dubai", "AE", 25.20, 55.27, "Asia/Dubai"),
    City("Seoul", "KR", 37.57, 126.98, "Asia/Seoul"),
    City("Cape Town", "ZA", -33.92, 18.42, "Africa/Johannesburg"),
    City("Sao Paulo", "BR", -23.55, -46.63, "America/Sao_Paulo"),
)
ELSEWHERE = (
    City("Lagos", "NG", 6.52, 3.38, "Africa/Lagos"),
    City("Hanoi", "VN", 21.03, 105.85, "Asia/Ho_Chi_Minh"),
    City("Jakarta", "ID", -6.21, 106.85, "Asia/Jakarta"),
    City("Caracas", "VE", 10.48, -66.90, "America/Caracas"),
    City("Bucharest", "RO", 44.43, 26.10, "Europe/Bucharest"),
    City("Tirana", "AL", 41.33, 19.82, "Europe/Tirane"),
    City("Almaty", "KZ", 43.24, 76.89, "Asia/Almaty"),
    City("Bogota", "CO", 4.71, -74.07, "America/Bogota"),
    City("Lima", "PE", -12.05, -77.04, "America/Lima"),
    City("Manila", "PH", 14.60, 120.98, "Asia/Manila"),
    City("Casablanca", "MA", 33.57, -7.59, "Africa/Casablanca"),
    City("Chisinau", "MD", 47.01, 28.86, "Europe/Chisinau"),
    City("Dhaka", "BD", 23.81, 90.41, "Asia/Dhaka"),
    City("Accra", "GH", 5.60, -0.19, "Africa/Accra"),
)
CITIES = (*OFFICES, *DESTINATIONS, *ELSEWHERE)
BY_NAME = {city.name: index for index, city in enumerate(CITIES)}
BORDERS = (("Rotterdam", "Antwerp"), ("Lyon", "Geneva"))
NEW_OFFICE = BY_NAME["Gdansk"]

CENTRES = {
    "NL": (52.5, 5.75), "US": (37.751, -97.822), "FR": (48.86, 2.34), "GB": (51.5, -0.12), "IN": (20.0, 77.0),
    "JP": (35.69, 139.69), "BR": (-10.0, -55.0), "DE": (51.3, 9.49),
}  # fmt: skip


def kilometres(one: City, other: City) -> float:
    """Great-circle distance."""
    phi, psi = radians(one.latitude), radians(other.latitude)
    turn = radians(other.longitude - one.longitude)
    chord = sin((psi - phi) / 2) ** 2 + cos(phi) * cos(psi) * sin(turn / 2) ** 2
    return 12_742.0 * asin(sqrt(chord))


def nearest(place: City, names: Sequence[str]) -> int:
    """Position of the nearest of the named cities."""
    return min(range(len(names)), key=lambda at: kilometres(place, CITIES[BY_NAME[names[at]]]))


def utc_offset(zone: str, day: date) -> int:
    """Seconds to add to UTC for local time at noon of that day."""
    shift = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone)).utcoffset()
    return int(shift.total_seconds()) if shift else 0
