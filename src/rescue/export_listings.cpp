// Sources: The Sleuth Kit's wiki, "Body file"; dfxml_schema 1.2.0, dfxml.xsd.
#include "rescue/export_listings.hpp"

#include <array>
#include <chrono>

#include <fmt/format.h>

#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

using filesystem::EntryType;
using filesystem::Timestamp;

char letter_of(EntryType type) noexcept
{
    switch (type) {
    case EntryType::file: return 'r';
    case EntryType::directory: return 'd';
    case EntryType::symlink: return 'l';
    case EntryType::fifo: return 'p';
    case EntryType::socket: return 's'; // mactime: 'h', DFXML: 's'
    case EntryType::character_device: return 'c';
    case EntryType::block_device: return 'b';
    case EntryType::unknown: break;
    }
    return '-';
}

/// "rwxr-x--x", with s, S, t, T as `ls` has them.
std::string permissions(std::uint32_t mode)
{
    constexpr std::string_view all = "rwxrwxrwx";
    std::string out;
    for (std::size_t i = 0; i < all.size(); ++i) {
        out += (mode >> (all.size() - 1 - i) & 1U) != 0 ? all[i] : '-';
    }
    struct Special {
        std::uint32_t bit;
        std::size_t place;
        char with_execute;
        char alone;
    };
    for (const auto& [bit, place, with_execute, alone] :
         {Special{04000, 2, 's', 'S'}, Special{02000, 5, 's', 'S'}, Special{01000, 8, 't', 'T'}}) {
        if ((mode & bit) != 0) {
            out[place] = out[place] == 'x' ? with_execute : alone;
        }
    }
    return out;
}

std::string body_name_of(std::string text)
{
    for (auto& c : text) {
        if (c == '|' || c == '\x7F' || (c >= '\0' && c < ' ')) {
            c = '^';
        }
    }
    return text;
}

/// Text in an element.
std::string xml_text(std::string_view text)
{
    std::string out;
    const auto shown = printable(text); // no control characters, valid UTF-8
    for (std::size_t i = 0; i < shown.size(); ++i) {
        switch (shown[i]) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '\xEF': {
            const auto sign = std::string_view{shown}.substr(i, 3);
            const bool is_no_character = sign == "\xEF\xBF\xBE" || sign == "\xEF\xBF\xBF"; // to XML
            out += is_no_character ? "\xEF\xBF\xBD" : sign;
            i += sign.size() - 1;
            break;
        }
        default: out.push_back(shown[i]);
        }
    }
    return out;
}

std::string element(std::string_view name, std::string_view text)
{
    return fmt::format("<{}>{}</{}>", name, text, name);
}

/// "2017-08-12T17:46:00.123456789Z"; empty where the calendar of XML ends.
std::string iso_time(const Timestamp& time)
{
    constexpr std::int64_t first_year = -62'135'596'800; // 0001
    constexpr std::int64_t last_year = 253'402'300'799;  // 9999
    if (time.seconds < first_year || time.seconds > last_year) {
        return {};
    }
    const std::chrono::sys_seconds point{std::chrono::seconds{time.seconds}};
    const auto day = std::chrono::floor<std::chrono::days>(point);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{point - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count(), time.nanoseconds);
}

} // namespace

std::string body_line(const ManifestEntry& entry)
{
    const auto& found = entry.entry;
    auto name = body_name_of(entry.path);
    if (found.type == EntryType::symlink) {
        name += " -> " + body_name_of(entry.target);
    }
    name += found.deleted ? " (deleted)" : "";
    const auto letter = found.type == EntryType::socket ? 'h' : letter_of(found.type);
    return fmt::format("0|{}|{}|{}/{}{}|{}|{}|{}|{}|{}|{}|{}\n", name, found.inode, letter, letter,
                       permissions(found.mode), found.uid, found.gid, found.size.value, found.accessed.seconds,
                       found.modified.seconds, found.changed.seconds, found.created ? found.created->seconds : 0);
}

std::string dfxml_object(const ManifestEntry& entry)
{
    const auto& found = entry.entry;
    std::string out = "<fileobject>";
    out += element("filename", xml_text(std::string_view{entry.path}.substr(entry.path.starts_with('/') ? 1 : 0)));
    out += element("name_type", std::string(1, letter_of(found.type)));
    out += element("filesize", fmt::to_string(found.size.value));
    out += found.deleted ? "<alloc>0</alloc>" : "<alloc>1</alloc>";
    out += element("inode", fmt::to_string(found.inode));
    out += element("mode", fmt::to_string(found.mode));
    out += element("nlink", fmt::to_string(found.links));
    out += element("uid", fmt::to_string(found.uid));
    out += element("gid", fmt::to_string(found.gid));
    struct Time {
        std::string_view name;
        std::optional<Timestamp> value;
    };
    for (const auto& [name, value] : {Time{"mtime", found.modified}, Time{"ctime", found.changed},
                                      Time{"atime", found.accessed}, Time{"crtime", found.created}}) {
        const auto text = value ? iso_time(*value) : std::string{};
        out += text.empty() ? std::string{} : element(name, text);
    }
    if (found.type == EntryType::symlink) {
        out += element("link_target", xml_text(entry.target));
    }
    if (!entry.problem.empty()) {
        out += element("error", xml_text(entry.problem));
    }
    if (!entry.stored_sha256.empty() && entry.lost.value == 0) {
        out += fmt::format("<hashdigest type=\"sha256\">{}</hashdigest>", entry.stored_sha256);
    }
    return out + "</fileobject>\n";
}

std::string dfxml_head(std::string_view source)
{
    return fmt::format(R"(<?xml version="1.0" encoding="UTF-8"?>
<dfxml xmlns="http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML" xmlns:dc="http://purl.org/dc/elements/1.1/" version="1.2.0">
<metadata><dc:type>File system listing</dc:type></metadata>
<creator><program>salvage</program></creator>
<source><image_filename>{}</image_filename></source>
<volume>
)",
                       xml_text(source));
}

std::string_view dfxml_tail() noexcept
{
    return "</volume>\n</dfxml>\n";
}

} // namespace salvage::rescue
