/// The patterns that are there without configuration: names that Logstash users know, in our own words.
extension GrokPatterns {
    static let ecs = definitions(basic + dates + systems + ecsLines)
    static let legacy = definitions(basic + dates + systems + legacyLines)

    private static func definitions(_ text: String) -> [String: String] {
        let file = GrokPatternFile(Array(text.utf8))
        guard file.problems.isEmpty else { fatalError("patterns of this program: \(file.problems)") }
        return Dictionary(file.definitions.map { ($0.name, $0.text) }) { _, last in last }
    }

    /// Words, numbers, addresses and paths.
    private static let basic = #"""
        USERNAME [a-zA-Z0-9._-]+
        USER %{USERNAME}
        EMAILLOCALPART [a-zA-Z0-9!#$%&'*+/=?^_`|~-][a-zA-Z0-9!#$%&'*+/=?^_`|~.-]{0,63}
        EMAILADDRESS %{EMAILLOCALPART}@%{HOSTNAME}

        INT [+-]?[0-9]+
        BASE10NUM (?<![0-9.+-])[+-]?+(?:[0-9]++(?:\.[0-9]++)?+|\.[0-9]++)
        NUMBER %{BASE10NUM}
        BASE16NUM (?<![0-9A-Fa-f])[+-]?(?:0x)?[0-9A-Fa-f]+
        BASE16FLOAT \b(?<![0-9A-Fa-f.])[+-]?(?:0x)?(?:[0-9A-Fa-f]+(?:\.[0-9A-Fa-f]*)?|\.[0-9A-Fa-f]+)\b
        POSINT \b[1-9][0-9]*\b
        NONNEGINT \b[0-9]+\b
        WORD \b\w+\b
        NOTSPACE \S+
        SPACE \s*
        DATA .*?
        GREEDYDATA .*
        QUOTEDSTRING (?<!\\)(?:"(?:\\.|[^\\"])*+"|'(?:\\.|[^\\'])*+'|`(?:\\.|[^\\`])*+`)
        QS %{QUOTEDSTRING}
        UUID [0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}
        URN urn:[0-9A-Za-z][0-9A-Za-z-]{0,31}:(?:%[0-9a-fA-F]{2}|[0-9A-Za-z()+,.:=@;$_!*'/?#-])+

        MAC (?:%{CISCOMAC}|%{WINDOWSMAC}|%{COMMONMAC})
        CISCOMAC (?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}
        WINDOWSMAC (?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}
        COMMONMAC (?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}
        OCTET (?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})
        IPV4 (?<![0-9])(?:%{OCTET}\.){3}%{OCTET}(?![0-9])
        HEXTET [0-9A-Fa-f]{1,4}
        IPV6LONG %{HEXTET}:(?:(?:%{HEXTET}:){6}(?:%{HEXTET}|:)|(?:%{HEXTET}:){5}(?:%{IPV4}|:%{HEXTET}|:)|(?:%{HEXTET}:){4}(?::%{IPV4}|(?::%{HEXTET}){1,2}|:)|(?:%{HEXTET}:){3}(?:(?::%{HEXTET})?:%{IPV4}|(?::%{HEXTET}){1,3}|:)|(?:%{HEXTET}:){2}(?:(?::%{HEXTET}){0,2}:%{IPV4}|(?::%{HEXTET}){1,4}|:)|%{HEXTET}:(?:(?::%{HEXTET}){0,3}:%{IPV4}|(?::%{HEXTET}){1,5}|:)|(?::%{HEXTET}){0,4}:%{IPV4}|(?::%{HEXTET}){1,6}|:)
        IPV6 (?<![0-9A-Za-z:])(?:%{IPV6LONG}|:(?:(?::%{HEXTET}){0,5}:%{IPV4}|(?::%{HEXTET}){1,7}|:))(?:%[0-9A-Za-z]+)?
        IP (?:%{IPV4}|%{IPV6})
        HOSTNAME \b[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*\.?
        HOST %{HOSTNAME}
        IPORHOST (?:%{IP}|%{HOSTNAME})
        HOSTPORT %{IPORHOST}:%{POSINT}

        PATH (?:%{UNIXPATH}|%{WINPATH})
        UNIXPATH (?:/(?:[\w%!$@:.,+~-]|\\.)*+)+
        TTY /dev/(?:pts|tty[pq]?)\w*/?[0-9]+
        WINPATH (?:[A-Za-z]+:|\\)(?:\\[^\\?*]*+)+
        URIPROTO [A-Za-z][A-Za-z0-9+.-]+
        URIHOST %{IPORHOST}(?::%{POSINT})?
        URIPATH (?:/[A-Za-z0-9$.+!*'(){},~:;=@#%&_-]*)+
        URIQUERY [A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\[\]<>-]*
        URIPARAM \?%{URIQUERY}
        URIPATHPARAM %{URIPATH}(?:\?%{URIQUERY})?
        URI %{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?

        """#

    private static let dates = #"""
        MONTH \b(?:[Jj]an(?:uary)?|[Ff]eb(?:ruary)?|[Mm]ar(?:ch)?|[Aa]pr(?:il)?|[Mm]ay|[Jj]une?|[Jj]uly?|[Aa]ug(?:ust)?|[Ss]ept?(?:ember)?|[Oo]ct(?:ober)?|[Nn]ov(?:ember)?|[Dd]ec(?:ember)?)\b
        MONTHNUM (?:1[0-2]|0?[1-9])
        MONTHNUM2 (?:0[1-9]|1[0-2])
        MONTHDAY (?:0[1-9]|[12][0-9]|3[01]|[1-9])
        DAY (?:[Mm]on(?:day)?|[Tt]ue(?:sday)?|[Ww]ed(?:nesday)?|[Tt]hu(?:rsday)?|[Ff]ri(?:day)?|[Ss]at(?:urday)?|[Ss]un(?:day)?)
        YEAR (?:[0-9]{2}){1,2}+
        HOUR (?:2[0-3]|[01]?[0-9])
        MINUTE [0-5][0-9]
        SECOND (?:60|[0-5]?[0-9])(?:[:.,][0-9]+)?
        TIME (?<![0-9])%{HOUR}:%{MINUTE}:%{SECOND}(?![0-9])
        DATE_US %{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}
        DATE_EU %{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}
        DATE (?:%{DATE_US}|%{DATE_EU})
        ISO8601_TIMEZONE (?:Z|[+-]%{HOUR}(?::?%{MINUTE}))
        ISO8601_SECOND %{SECOND}
        TIMESTAMP_ISO8601 %{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?
        DATESTAMP %{DATE}[- ]%{TIME}
        TZ (?:[APMCE][SD]T|UTC)
        DATESTAMP_RFC822 %{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}
        DATESTAMP_RFC2822 %{DAY}, %{MONTHDAY} %{MONTH} %{YEAR} %{TIME} %{ISO8601_TIMEZONE}
        DATESTAMP_OTHER %{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}
        DATESTAMP_EVENTLOG %{YEAR}%{MONTHNUM2}%{MONTHDAY}%{HOUR}%{MINUTE}%{SECOND}
        HTTPDATE %{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}
        HTTPDERROR_DATE %{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{YEAR}
        SYSLOGTIMESTAMP %{MONTH} +%{MONTHDAY} %{TIME}
        CATALINA_DATESTAMP (?:%{MONTHDAY}-%{MONTH}-%{YEAR} %{HOUR}:%{MINUTE}:%{SECOND}|%{MONTH} %{MONTHDAY}, %{YEAR} %{HOUR}:%{MINUTE}:%{SECOND} (?:AM|PM))
        TOMCAT_DATESTAMP (?:%{CATALINA_DATESTAMP}|%{YEAR}-%{MONTHNUM}-%{MONTHDAY} %{HOUR}:%{MINUTE}:%{SECOND} %{ISO8601_TIMEZONE})
        REDISTIMESTAMP %{MONTHDAY} %{MONTH} %{TIME}
        HAPROXYTIME (?<![0-9])%{HOUR}:%{MINUTE}(?::%{SECOND})(?![0-9])
        HAPROXYDATE %{MONTHDAY}/%{MONTH}/%{YEAR}:%{HAPROXYTIME}\.[0-9]{3}

        """#

    /// Parts of lines that are the same in both.
    private static let systems = #"""
        PROG [\x21-\x5a\x5c\x5e-\x7e]+
        SYSLOGHOST %{IPORHOST}
        SYSLOG5424PRINTASCII [!-~]+
        LOGLEVEL (?:[Aa]lert|ALERT|[Tt]race|TRACE|[Dd]ebug|DEBUG|[Nn]otice|NOTICE|[Ii]nfo(?:rmation)?|INFO(?:RMATION)?|[Ww]arn(?:ing)?|WARN(?:ING)?|[Ee]rr(?:or)?|ERR(?:OR)?|[Cc]rit(?:ical)?|CRIT(?:ICAL)?|[Ff]atal|FATAL|[Ss]evere|SEVERE|[Ee]merg(?:ency)?|EMERG(?:ENCY)?)
        HTTPDUSER (?:%{EMAILADDRESS}|%{USER})
        RUBY_LOGLEVEL (?:DEBUG|FATAL|ERROR|WARN|INFO)
        JAVACLASS (?:[a-zA-Z$_][a-zA-Z$_0-9]*\.)*[a-zA-Z$_][a-zA-Z$_0-9]*
        JAVAFILE [a-zA-Z$_0-9. -]+
        JAVAMETHOD (?:<(?:cl)?init>|[a-zA-Z$_][a-zA-Z$_0-9]*)
        JAVATHREAD [A-Z]{2}-Processor[0-9]+
        JAVALOGMESSAGE .*
        HAPROXYCAPTUREDREQUESTHEADERS %{DATA}
        HAPROXYCAPTUREDRESPONSEHEADERS %{DATA}

        """#
}
