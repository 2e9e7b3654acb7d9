#include "artifact/apps.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "artifact/kinds.hpp"
#include "artifact/list_output.hpp"

namespace salvage::artifact {
namespace {

constexpr std::size_t max_apps = 20'000;

/// Milliseconds since 1970, in hex.
std::optional<std::int64_t> hex_time(std::string_view text)
{
    constexpr int base = 16;
    std::int64_t out = 0;
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    return problem == std::errc{} && stop == text.data() + text.size() && out > 0 ? std::optional{out} : std::nullopt;
}

} // namespace

Result<PackageList> parse_packages_xml(std::string_view xml)
{
    if (xml.starts_with("ABX")) {
        return unsupported("the list of apps is in Android's binary XML", "so it is of Android 12 or later");
    }
    pugi::xml_document document;
    const auto read = document.load_buffer(xml.data(), xml.size());
    if (!read) {
        return malformed(ByteOffset{static_cast<std::uint64_t>(std::max<std::ptrdiff_t>(0, read.offset))},
                         "the list of apps is no XML", read.description());
    }
    PackageList out;
    const auto packages = document.child("packages");
    for (const auto& package : packages.children("package")) {
        if (out.apps.size() >= max_apps) {
            break;
        }
        out.apps.push_back({.package = package.attribute("name").value(),
                            .path = package.attribute("codePath").value(),
                            .version = package.attribute("version").value(),
                            .installer = package.attribute("installer").value(),
                            .installed_ms = hex_time(package.attribute("it").value()),
                            .updated_ms = hex_time(package.attribute("ut").value())});
    }
    // Android 4 and 5 name the build here, later ones there.
    const auto older = packages.child("last-platform-version");
    const auto newer = packages.child("version");
    const bool is_older = !older.empty();
    out.fingerprint = is_older ? older.attribute("fingerprint").value() : newer.attribute("fingerprint").value();
    out.sdk = is_older ? older.attribute("internal").value() : newer.attribute("sdkVersion").value();
    return out;
}

Result<KindReport> extract_apps(Extraction& extraction)
{
    KindReport report{.name = "apps", .title = "Installed apps"};
    ListOutput list{extraction, report, {"App", "Version", "Installed", "Updated", "From", "Place"}};
    constexpr const char* place = "/system/packages.xml";
    if (const auto bytes = small_file(extraction, place, report)) {
        const auto parsed = parse_packages_xml(as_text(*bytes));
        if (!parsed.has_value()) {
            report.problems.push_back(fmt::format("{}: {}", place, to_string(parsed.error())));
        } else {
            for (const auto& app : parsed->apps) {
                Json json = Json::object();
                json["package"] = text_json(std::string_view{app.package});
                json["version_code"] = text_json(std::string_view{app.version});
                json["installed"] = time_json(app.installed_ms);
                json["updated"] = time_json(app.updated_ms);
                json["installer"] = app.installer.empty() ? Json{} : text_json(std::string_view{app.installer});
                json["path"] = text_json(std::string_view{app.path});
                SALVAGE_TRY(list.add({{.text = app.package},
                                      {.text = app.version},
                                      {.text = shown_time(app.installed_ms)},
                                      {.text = shown_time(app.updated_ms)},
                                      {.text = app.installer},
                                      {.text = app.path}},
                                     std::move(json), {.file = place}));
            }
        }
    }
    SALVAGE_TRY(list.end());
    return report;
}

} // namespace salvage::artifact
