/// One record of a city, country or ASN database as JSON text, ready to be copied into documents.
///
///     "continent_name":"Europe","continent_code":"EU","country_iso_code":"DE","country_name":"Germany",
///     "region_iso_code":"DE-RP","region_name":"Rheinland-Pfalz","city_name":"Ramsen","postal_code":"67305",
///     "timezone":"Europe/Berlin","location":{"lat":49.5369,"lon":8.01333}
///     "number":15169,"organization":{"name":"Google LLC"}
///
/// Field names: ECS `geo.*` and `as.*`. Names are English; the region is the most specific subdivision, its code written with
/// the country's as in ISO 3166-2. What the database does not say is left out.
package final class GeoIPEntry {
    /// Where the record begins in its database.
    let record: UInt32
    /// Members for the inside of a `geo` object, without a comma at either end; empty when the record says nothing.
    package let members: [UInt8]
    /// Members for the inside of an `as` object, who runs the network; empty when the record says nothing.
    package let networkMembers: [UInt8]

    init(record: UInt32, in database: GeoIPDatabase) {
        self.record = record
        var json = ByteBuffer(capacity: 320)
        let country = database.text(record, "country", "iso_code")
        json.member("continent_name", database.text(record, "continent", "names", "en"))
        json.member("continent_code", database.text(record, "continent", "code"))
        json.member("country_iso_code", country)
        json.member("country_name", database.text(record, "country", "names", "en"))
        if let country, let region = database.text(record, "subdivisions", "-1", "iso_code"), !region.isEmpty
        {
            json.member("region_iso_code", country + [UInt8(ascii: "-")] + region)
        }
        json.member("region_name", database.text(record, "subdivisions", "-1", "names", "en"))
        json.member("city_name", database.text(record, "city", "names", "en"))
        json.member("postal_code", database.text(record, "postal", "code"))
        json.member("timezone", database.text(record, "location", "time_zone"))
        json.location(
            latitude: database.number(record, "location", "latitude"),
            longitude: database.number(record, "location", "longitude")
        )
        members = json.array
        json.removeAll()
        json.member("number", number: database.number(record, "autonomous_system_number"))
        json.organization(database.text(record, "autonomous_system_organization"))
        networkMembers = json.array
    }

    /// Whether the record says nothing that has a field.
    var isEmpty: Bool { members.isEmpty && networkMembers.isEmpty }

    /// What this entry holds, in bytes: the text and about 100 for the objects around it.
    var cost: Int { members.count + networkMembers.count + 100 }
}

extension ByteBuffer {
    fileprivate mutating func member(_ name: StaticString, _ value: [UInt8]?) {
        guard let value, !value.isEmpty else { return }
        startMember(name)
        append(UInt8(ascii: "\""))
        append(jsonEscaped: value.span.bytes, 0..<value.count)
        append(UInt8(ascii: "\""))
    }

    fileprivate mutating func member(_ name: StaticString, number: Double?) {
        guard let number else { return }
        startMember(name)
        append(number: number)
    }

    fileprivate mutating func organization(_ name: [UInt8]?) {
        guard let name, !name.isEmpty else { return }
        startMember("organization")
        append(#"{"name":""# as StaticString)
        append(jsonEscaped: name.span.bytes, 0..<name.count)
        append(#""}"# as StaticString)
    }

    /// A point needs both coordinates, and Elasticsearch refuses documents with one outside of the globe.
    fileprivate mutating func location(latitude: Double?, longitude: Double?) {
        guard let latitude, let longitude else { return }
        guard abs(latitude) <= 90, abs(longitude) <= 180 else { return }
        startMember("location")
        append(#"{"lat":"# as StaticString)
        append(latitude.description)
        append(#","lon":"# as StaticString)
        append(longitude.description)
        append(UInt8(ascii: "}"))
    }

    private mutating func startMember(_ name: StaticString) {
        if !isEmpty { append(UInt8(ascii: ",")) }
        append(UInt8(ascii: "\""))
        append(name)
        append(#"":"# as StaticString)
    }
}
