"""Distances, and which countries touch: by land, or by a tunnel, bridge or short crossing that people commute over."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

EARTH_RADIUS_KM = 6371.0

#: Each country with the neighbours whose code sorts after its own (ISO 3166-1 alpha-2).
_BORDERS = """
AD ES FR|AE OM SA QA BH|AF CN IR PK TJ TM UZ|AL GR ME MK XK|AM AZ GE IR TR|AO CD CG NA ZM|AR BO BR CL PY UY
AT CH CZ DE HU IT LI SI SK|AZ GE IR RU TR|BA HR ME RS|BD IN MM|BE DE FR LU NL GB|BF BJ CI GH ML NE TG|BG GR MK RO RS TR
BH SA QA|BI CD RW TZ|BJ NE NG TG|BN MY|BO BR CL PE PY|BR CO GF GY PE PY SR UY VE|BT CN IN|BW NA ZA ZM ZW
BY LT LV PL RU UA|BZ GT MX|CA US GL PM|CD CF CG RW SS TZ UG ZM|CF CG CM SD SS TD|CG CM GA|CH DE FR IT LI|CI GH GN LR ML
CL PE|CM GA GQ NG TD|CN HK IN KG KP KZ LA MM MN MO NP PK RU TJ VN|CO EC PA PE VE|CR NI PA|CZ DE PL SK|DE DK FR LU NL PL
DJ ER ET SO|DK SE|DO HT|DZ EH LY MA ML MR NE TN|EC PE|EE LV RU FI|EG IL LY PS SD|EH MA MR|ER ET SD|ES FR GI MA PT
ET KE SD SO SS|FI NO RU SE|FR IT LU MC GB MF|GA GQ|GB IE JE GG IM|GE RU TR|GF SR|GH TG|GM SN|GN GW LR ML SL SN
GR MK TR|GT HN MX SV|GW SN|GY SR VE|HK MO|HN NI SV|HR HU ME RS SI|HU RO RS SI SK UA|ID MY PG SG TL|IL JO LB PS SY
IN LK MM NP PK|IQ IR JO KW SA SY TR|IR PK TM TR|IT MC MT SI SM VA|JO PS SA SY|KE SO SS TZ UG|KG KZ TJ UZ|KH LA TH VN
KP KR RU|KW SA|KZ RU TM UZ|LA MM TH VN|LB SY|LR SL|LS ZA|LT LV PL RU|LV RU|LY NE SD TD TN|MA MR|MD RO UA
ME RS XK|MK RS XK|ML MR NE SN|MM TH|MN RU|MR SN|MW MZ TZ ZM|MX US|MY SG TH|MZ SZ TZ ZA ZM ZW|NA ZA ZM|NE NG TD
NG TD|NO RU SE|OM SA YE|PL RU SK UA|QA SA|RO RS UA|RS XK|RU UA|RW TZ UG|SA YE|SD SS TD|SK UA|SS UG|SY TR|SZ ZA
TJ UZ|TM UZ|TZ UG ZM|ZA ZW|ZM ZW
"""


def _pairs() -> tuple[str, ...]:
    groups = [group.split() for line in _BORDERS.split("\n") for group in line.split("|") if group]
    return tuple(sorted({min(first, other) + max(first, other) for first, *others in groups for other in others}))


#: Sorted pairs such as `BENL`.
NEIGHBOURS = _pairs()


def are_neighbours(one: ir.StringValue, other: ir.StringValue) -> ir.BooleanValue:
    """The two country codes are of countries that touch."""
    return (ibis.least(one, other) + ibis.greatest(one, other)).isin(NEIGHBOURS)


def kilometres(
    latitude: ir.Value, longitude: ir.Value, to_latitude: ir.Value, to_longitude: ir.Value
) -> ir.FloatingValue:
    """Great-circle distance by the haversine, one decimal: the last digits of sines differ between engines."""
    phi, psi = latitude.radians(), to_latitude.radians()
    half = ((psi - phi) / 2).sin()
    turn = ((to_longitude - longitude).radians() / 2).sin()
    chord = half * half + phi.cos() * psi.cos() * turn * turn
    return (2 * EARTH_RADIUS_KM * ibis.least(chord, 1.0).sqrt().asin()).round(1)
