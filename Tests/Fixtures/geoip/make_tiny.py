"""Makes tiny.mmdb, tiny-renewed.mmdb and tiny-asn.mmdb beside this file. Needs mmdb-writer 0.2.7 from PyPI."""

import pathlib

from mmdb_writer import MMDBWriter
from netaddr import IPSet

FOLDER = pathlib.Path(__file__).parent


def names(text):
    return {"en": text, "de": "nicht gefragt"}


def write(name, city):
    writer = MMDBWriter(
        ip_version=6, ipv4_compatible=True, database_type="Test-City", float_type="f64", int_type="auto"
    )
    continent = {"code": "NA", "names": names("North America")}
    country = {"iso_code": "US", "names": names("United States")}
    writer.insert_network(
        IPSet(["1.2.3.0/24"]),
        {
            "continent": continent,
            "country": country,
            "subdivisions": [
                {"iso_code": "XX", "names": names("Wider")},
                {"iso_code": "CA", "names": names("California")},
            ],
            "city": {"names": names(city)},
            "postal": {"code": "94035"},
            "location": {"latitude": 37.4223, "longitude": -122.085, "time_zone": "America/Los_Angeles"},
        },
    )
    writer.insert_network(
        IPSet(["2001:db8::/32"]),
        {"country": {"iso_code": "DE", "names": names("Germany")}, "location": {"latitude": 51.0, "longitude": 9.0}},
    )
    writer.insert_network(
        IPSet(["5.6.7.0/24"]),
        {"city": {"names": names('Quo"te\\ \n')}, "location": {"latitude": 91.0, "longitude": 0.5}},
    )
    writer.insert_network(IPSet(["6.6.6.0/24"]), {"registered_country": country})
    writer.to_db_file(str(FOLDER / name))


write("tiny.mmdb", "Mountain View")
write("tiny-renewed.mmdb", "Renewed")

networks = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Test-ASN", int_type="auto")
networks.insert_network(
    IPSet(["1.2.3.0/24"]),
    {"autonomous_system_number": 64500, "autonomous_system_organization": 'Example "Net"'},
)
networks.insert_network(IPSet(["2001:db8::/32"]), {"autonomous_system_number": 4200000000})
networks.to_db_file(str(FOLDER / "tiny-asn.mmdb"))
