#include "artifact/phone.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "artifact/apps.hpp"
#include "artifact/kinds.hpp"
#include "artifact/list_output.hpp"
#include "salvage/core/text.hpp"

namespace salvage::artifact {
namespace {

constexpr std::size_t max_properties = 10'000;

struct Known {
    std::string_view property;
    std::string_view title;
};
constexpr std::array known{Known{"ro.product.manufacturer", "Manufacturer"},
                           Known{"ro.product.model", "Model"},
                           Known{"ro.product.brand", "Brand"},
                           Known{"ro.product.name", "Product"},
                           Known{"ro.product.device", "Device"},
                           Known{"ro.product.board", "Board"},
                           Known{"ro.board.platform", "Chip"},
                           Known{"ro.mediatek.platform", "Chip"},
                           Known{"ro.serialno", "Serial number"},
                           Known{"ro.build.version.release", "Android"},
                           Known{"ro.build.version.sdk", "SDK"},
                           Known{"ro.build.version.security_patch", "Security patches until"},
                           Known{"ro.build.display.id", "Build"},
                           Known{"ro.build.fingerprint", "Fingerprint of the build"},
                           Known{"persist.sys.timezone", "Time zone"},
                           Known{"persist.sys.locale", "Language"},
                           Known{"persist.sys.language", "Language"},
                           Known{"persist.sys.country", "Country"},
                           Known{"device_name", "Name of the device"},
                           Known{"bluetooth_name", "Name over Bluetooth"},
                           Known{"android_id", "Android ID"}};

/// A varint of protobuf; nothing where it ends too early or is too long.
std::optional<std::uint64_t> varint(ByteReader& reader)
{
    std::uint64_t out = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        const auto byte = reader.le<std::uint8_t>();
        if (!byte.has_value()) {
            return std::nullopt;
        }
        out |= std::uint64_t{*byte & 0x7FU} << shift;
        if ((*byte & 0x80U) == 0) {
            return out;
        }
    }
    return std::nullopt;
}

/// The next field with a length, and its number; nothing at the end and at anything else.
std::optional<std::pair<std::uint64_t, ByteView>> field(ByteReader& reader)
{
    const auto tag = varint(reader);
    const auto length = tag && (*tag & 7U) == 2 ? varint(reader) : std::nullopt;
    if (!length || *length > reader.remaining()) {
        return std::nullopt;
    }
    const auto bytes = reader.take(static_cast<std::size_t>(*length));
    return bytes.has_value() ? std::optional{std::pair{*tag >> 3U, *bytes}} : std::nullopt;
}

class Writer {
public:
    Writer(Extraction& extraction, KindReport& report)
        : extraction_{&extraction}, report_{&report}, list_{extraction, report, {"What", "Value", "Property"}}
    {
    }

    Result<> run()
    {
        SALVAGE_TRY(add_build());
        SALVAGE_TRY(add_packages());
        SALVAGE_TRY(add_properties());
        SALVAGE_TRY(add_settings());
        return list_.end();
    }

private:
    Result<> add(std::string_view property, const std::string& value, const std::string& file)
    {
        const auto* const found = std::ranges::find(known, property, &Known::property);
        if (found == known.end() || value.empty()) {
            return {};
        }
        Json json = Json::object();
        json["property"] = text_json(property);
        json["title"] = found->title;
        json["value"] = text_json(std::string_view{value});
        return list_.add({{.text = std::string{found->title}}, {.text = value}, {.text = std::string{property}}},
                         std::move(json), {.file = file});
    }

    Result<> add_all(const Properties& properties, const std::string& file)
    {
        for (const auto& [name, value] : properties) {
            SALVAGE_TRY(add(name, value, file));
        }
        return {};
    }

    Result<> add_build()
    {
        const auto source = extraction_->files->system_properties();
        if (source == nullptr) {
            list_.add_note(
                "The system partition with build.prop is not at hand: what stands here comes from userdata.");
            return {};
        }
        constexpr ByteCount most{1U << 20U};
        const auto bytes = io::read_all(*source, most);
        return bytes.has_value() ? add_all(parse_build_prop(as_text(*bytes)), "system partition, build.prop")
                                 : Result<>{};
    }

    Result<> add_packages()
    {
        constexpr const char* place = "/system/packages.xml";
        const auto bytes = small_file(*extraction_, place, *report_);
        const auto parsed = bytes ? parse_packages_xml(as_text(*bytes)) : Result<PackageList>{PackageList{}};
        return parsed.has_value() ? add("ro.build.fingerprint", parsed->fingerprint, place) : Result<>{};
    }

    /// Up to Android 8 a file each, then all in one.
    Result<> add_properties()
    {
        for (const auto& entry : extraction_->files->list("/property")) {
            const auto path = "/property/" + entry.name;
            const bool is_all = entry.name == "persistent_properties";
            const bool is_known = std::ranges::find(known, entry.name, &Known::property) != known.end();
            const auto bytes = is_all || is_known ? small_file(*extraction_, path, *report_) : std::nullopt;
            if (bytes) {
                SALVAGE_TRY(is_all ? add_all(parse_persistent_properties(*bytes), path)
                                   : add(entry.name, std::string{as_text(*bytes).substr(0, 4096)}, path));
            }
        }
        return {};
    }

    /// A database up to Android 5, XML since 6.
    Result<> add_settings()
    {
        constexpr std::array<std::string_view, 2> columns{"name", "value"};
        if (auto database = SALVAGE_TRY(OpenDatabase::open(
                *extraction_, "/data/com.android.providers.settings/databases/settings.db", *report_))) {
            for (const auto* const table : {"global", "secure"}) {
                SALVAGE_TRY(database->each(table, columns, [&](const Row& row) {
                    return add(row.text_or_empty(0), row.text_or_empty(1), database->path());
                }));
            }
            database->close(*report_);
        }
        for (const auto* const place : {"/system/users/0/settings_global.xml", "/system/users/0/settings_secure.xml"}) {
            const auto bytes = small_file(*extraction_, place, *report_);
            pugi::xml_document document;
            if (!bytes || !document.load_buffer(bytes->data(), bytes->size())) {
                continue;
            }
            for (const auto& setting : document.child("settings").children("setting")) {
                SALVAGE_TRY(add(setting.attribute("name").value(), setting.attribute("value").value(), place));
            }
        }
        return {};
    }

    Extraction* extraction_;
    KindReport* report_;
    ListOutput list_;
};

} // namespace

Properties parse_build_prop(std::string_view text)
{
    Properties out;
    while (!text.empty() && out.size() < max_properties) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto equals = line.find('=');
        if (!line.starts_with('#') && equals != std::string_view::npos && equals > 0) {
            out.emplace_back(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
        }
    }
    return out;
}

Properties parse_persistent_properties(ByteView bytes)
{
    Properties out;
    ByteReader reader{bytes};
    while (out.size() < max_properties) {
        const auto record = field(reader);
        if (!record) {
            break;
        }
        ByteReader inside{record->second};
        std::pair<std::string, std::string> property;
        while (const auto part = field(inside)) {
            (part->first == 1 ? property.first : property.second) = as_text(part->second);
        }
        out.push_back(std::move(property));
    }
    return out;
}

Result<KindReport> extract_phone(Extraction& extraction)
{
    KindReport report{.name = "phone", .title = "The phone itself"};
    Writer writer{extraction, report};
    SALVAGE_TRY(writer.run());
    return report;
}

} // namespace salvage::artifact
