// A photo's head.  JPEG's markers are walked here, every step checked; libexif gets the one segment that holds EXIF, 64
// KiB at most, and so cannot be led astray by more.
#include "salvage/artifact/exif.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <memory>
#include <string_view>

#include <libexif/exif-data.h>

#include "salvage/core/text.hpp"

namespace salvage::artifact {
namespace {

constexpr ByteCount max_head{1U << 20U};
// Holds a segment of EXIF at its largest, and what most phones put beside it.
constexpr ByteCount usual_head{80U << 10U};
// Segments before the picture: a few of 64 KiB each at most.
constexpr int max_segments = 256;
constexpr std::size_t max_name_bytes = 64;

constexpr std::uint8_t marker_app1 = 0xE1;
constexpr std::uint8_t marker_end_of_image = 0xD9;
constexpr std::uint8_t marker_start_of_scan = 0xDA;
constexpr std::string_view exif_identifier{"Exif\0\0", 6};
constexpr std::string_view png_signature = "\x89PNG\r\n\x1a\n";

struct ExifDeleter {
    void operator()(ExifData* data) const noexcept { exif_data_unref(data); }
};
using ExifPtr = std::unique_ptr<ExifData, ExifDeleter>;

const ExifEntry* find_entry(const ExifData& data, ExifIfd directory, ExifTag tag) noexcept
{
    const auto* const entry = exif_content_get_entry(data.ifd[directory], tag);
    return entry != nullptr && entry->data != nullptr ? entry : nullptr;
}

std::string_view bytes_of(const ExifEntry& entry) noexcept
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): char may alias bytes.
    return {reinterpret_cast<const char*>(entry.data), entry.size};
}

/// Text up to its NUL, without blanks around it.
std::string text_of(const ExifData& data, ExifIfd directory, ExifTag tag)
{
    const auto* const entry = find_entry(data, directory, tag);
    if (entry == nullptr || entry->format != EXIF_FORMAT_ASCII) {
        return {};
    }
    const auto bytes = bytes_of(*entry);
    return std::string{trimmed(bytes.substr(0, std::min(bytes.find('\0'), max_name_bytes)))};
}

std::optional<unsigned> digits(std::string_view text)
{
    unsigned out = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    return problem == std::errc{} && end == text.data() + text.size() ? std::optional{out} : std::nullopt;
}

/// "2017:06:01 14:30:59", some write '-' or '/' between the numbers of the day.
std::optional<std::int64_t> seconds_of(std::string_view text)
{
    if (text.size() != 19) {
        return std::nullopt;
    }
    const auto year = digits(text.substr(0, 4));
    const auto month = digits(text.substr(5, 2));
    const auto day = digits(text.substr(8, 2));
    const auto hour = digits(text.substr(11, 2));
    const auto minute = digits(text.substr(14, 2));
    const auto second = digits(text.substr(17, 2));
    if (!year || !month || !day || !hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)}, std::chrono::month{*month},
                                           std::chrono::day{*day}};
    if (!date.ok() || *year == 0) {
        return std::nullopt;
    }
    const std::chrono::seconds days = std::chrono::sys_days{date}.time_since_epoch();
    return days.count() + std::int64_t{*hour} * 3600 + std::int64_t{*minute} * 60 + *second;
}

/// "+02:00".
std::optional<int> offset_of(std::string_view text)
{
    if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') {
        return std::nullopt;
    }
    const auto hours = digits(text.substr(1, 2));
    const auto minutes = digits(text.substr(4, 2));
    if (!hours || !minutes || *hours > 14 || *minutes > 59) {
        return std::nullopt;
    }
    const auto out = static_cast<int>(*hours * 60 + *minutes);
    return text[0] == '-' ? -out : out;
}

// Newer than libexif's list of names.  EXIF 2.31, 4.6.5.
constexpr auto tag_offset_time = static_cast<ExifTag>(0x9010);
constexpr auto tag_offset_time_original = static_cast<ExifTag>(0x9011);

std::optional<TakenTime> taken_of(const ExifData& data)
{
    struct Source {
        ExifIfd directory;
        ExifTag time;
        ExifTag offset;
    };
    constexpr std::array sources{Source{EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL, tag_offset_time_original},
                                 Source{EXIF_IFD_0, EXIF_TAG_DATE_TIME, tag_offset_time}};
    for (const auto& source : sources) {
        const auto seconds = seconds_of(text_of(data, source.directory, source.time));
        if (seconds) {
            return TakenTime{.local_seconds = *seconds,
                             .offset_minutes = offset_of(text_of(data, EXIF_IFD_EXIF, source.offset))};
        }
    }
    return std::nullopt;
}

/// The n-th of an entry's rational numbers.
std::optional<double> rational_of(const ExifEntry& entry, std::size_t n, ExifByteOrder order)
{
    const auto size = exif_format_get_size(EXIF_FORMAT_RATIONAL);
    if (entry.format != EXIF_FORMAT_RATIONAL || entry.components <= n || entry.size < (n + 1) * size) {
        return std::nullopt;
    }
    const auto value = exif_get_rational(entry.data + n * size, order);
    return value.denominator == 0
               ? std::nullopt
               : std::optional{static_cast<double>(value.numerator) / static_cast<double>(value.denominator)};
}

/// Degrees, minutes, seconds and a letter that turns the sign.
std::optional<double> degrees_of(const ExifData& data, ExifTag value, ExifTag reference, char negative, double most)
{
    const auto* const entry = find_entry(data, EXIF_IFD_GPS, value);
    if (entry == nullptr) {
        return std::nullopt;
    }
    const auto order =
        exif_data_get_byte_order(const_cast<ExifData*>(&data)); // NOLINT(cppcoreguidelines-pro-type-const-cast): C
    const auto degrees = rational_of(*entry, 0, order);
    const auto minutes = rational_of(*entry, 1, order);
    if (!degrees || !minutes) {
        return std::nullopt;
    }
    const auto out = *degrees + *minutes / 60.0 + rational_of(*entry, 2, order).value_or(0.0) / 3600.0;
    if (out > most) {
        return std::nullopt;
    }
    return text_of(data, EXIF_IFD_GPS, reference).starts_with(negative) ? -out : out;
}

std::optional<GpsPlace> place_of(const ExifData& data)
{
    const auto latitude = degrees_of(data, static_cast<ExifTag>(EXIF_TAG_GPS_LATITUDE),
                                     static_cast<ExifTag>(EXIF_TAG_GPS_LATITUDE_REF), 'S', 90.0);
    const auto longitude = degrees_of(data, static_cast<ExifTag>(EXIF_TAG_GPS_LONGITUDE),
                                      static_cast<ExifTag>(EXIF_TAG_GPS_LONGITUDE_REF), 'W', 180.0);
    // Phones write zeros where they knew no place; nobody takes photos where the Gulf of Guinea has its buoy.
    if (!latitude || !longitude || (*latitude == 0.0 && *longitude == 0.0)) {
        return std::nullopt;
    }
    GpsPlace out{.latitude = *latitude, .longitude = *longitude, .altitude_metres = std::nullopt};
    const auto* const altitude = find_entry(data, EXIF_IFD_GPS, static_cast<ExifTag>(EXIF_TAG_GPS_ALTITUDE));
    if (altitude != nullptr) {
        const auto order =
            exif_data_get_byte_order(const_cast<ExifData*>(&data)); // NOLINT(cppcoreguidelines-pro-type-const-cast): C
        out.altitude_metres = rational_of(*altitude, 0, order);
        const auto* const reference = find_entry(data, EXIF_IFD_GPS, static_cast<ExifTag>(EXIF_TAG_GPS_ALTITUDE_REF));
        if (out.altitude_metres && reference != nullptr && reference->size >= 1 && reference->data[0] == 1) {
            out.altitude_metres = -*out.altitude_metres;
        }
    }
    return out;
}

std::uint8_t orientation_of(const ExifData& data)
{
    const auto* const entry = find_entry(data, EXIF_IFD_0, EXIF_TAG_ORIENTATION);
    if (entry == nullptr || entry->format != EXIF_FORMAT_SHORT || entry->size < 2) {
        return 1;
    }
    const auto order =
        exif_data_get_byte_order(const_cast<ExifData*>(&data)); // NOLINT(cppcoreguidelines-pro-type-const-cast): C
    const auto value = exif_get_short(entry->data, order);
    return value >= 1 && value <= 8 ? static_cast<std::uint8_t>(value) : std::uint8_t{1};
}

/// libexif hands out a copy; where it lay is found again by its bytes.
std::optional<ByteRange> thumbnail_of(const ExifData& data, ByteView segment, std::uint64_t segment_at)
{
    if (data.data == nullptr || data.size < 4 || data.data[0] != 0xFF || data.data[1] != 0xD8) {
        return std::nullopt;
    }
    const auto bytes = std::as_bytes(std::span{data.data, data.size});
    const auto found = std::ranges::search(segment, bytes);
    if (found.empty()) {
        return std::nullopt;
    }
    const auto start = static_cast<std::uint64_t>(found.begin() - segment.begin());
    return ByteRange::make(ByteOffset{segment_at + start}, ByteCount{bytes.size()});
}

void read_exif(ByteView segment, std::uint64_t segment_at, PhotoFacts& facts)
{
    const ExifPtr data{exif_data_new()};
    if (data == nullptr) {
        return;
    }
    exif_data_unset_option(data.get(), EXIF_DATA_OPTION_IGNORE_UNKNOWN_TAGS);
    // Else it adds what a photo has to have and has not: today's date, for one.
    exif_data_unset_option(data.get(), EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
    exif_data_load_data(data.get(), as_uchar(segment), static_cast<unsigned>(segment.size()));
    facts.taken = taken_of(*data);
    facts.orientation = orientation_of(*data);
    facts.place = place_of(*data);
    facts.make = text_of(*data, EXIF_IFD_0, EXIF_TAG_MAKE);
    facts.model = text_of(*data, EXIF_IFD_0, EXIF_TAG_MODEL);
    facts.thumbnail = thumbnail_of(*data, segment, segment_at);
}

/// Frame headers: all of 0xC0 to 0xCF but three that mean other things.
bool is_frame(std::uint8_t marker) noexcept
{
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

/// Walks the segments before the picture.  A cut or damaged head gives what stood before.
PhotoFacts parse_jpeg(ByteView head)
{
    PhotoFacts facts;
    bool has_exif = false;
    std::size_t at = 2;
    for (int i = 0; i < max_segments && at + 4 <= head.size(); ++i) {
        if (head[at] != std::byte{0xFF}) {
            break;
        }
        const auto marker = std::to_integer<std::uint8_t>(head[at + 1]);
        if (marker == 0xFF) { // fill bytes
            ++at;
            continue;
        }
        if (marker == marker_end_of_image || marker == marker_start_of_scan) {
            break;
        }
        const std::size_t length = load_be<std::uint16_t>(head.subspan(at + 2));
        if (length < 2) {
            break;
        }
        const auto body = head.subspan(at + 4, std::min(length - 2, head.size() - at - 4));
        if (marker == marker_app1 && !has_exif && as_text(body).starts_with(exif_identifier)) {
            has_exif = true;
            read_exif(body, at + 4, facts);
        }
        if (is_frame(marker) && body.size() >= 5) {
            facts.height = load_be<std::uint16_t>(body.subspan(1));
            facts.width = load_be<std::uint16_t>(body.subspan(3));
        }
        at += 2 + length;
    }
    return facts;
}

PhotoFacts parse_png(ByteView head)
{
    PhotoFacts facts;
    constexpr std::size_t width_at = 16;
    if (head.size() >= width_at + 8) {
        facts.width = load_be<std::uint32_t>(head.subspan(width_at));
        facts.height = load_be<std::uint32_t>(head.subspan(width_at + 4));
    }
    return facts;
}

} // namespace

Result<PhotoFacts> parse_photo_facts(ByteView head)
{
    if (head.size() >= 3 && head[0] == std::byte{0xFF} && head[1] == std::byte{0xD8} && head[2] == std::byte{0xFF}) {
        return parse_jpeg(head);
    }
    if (as_text(head).starts_with(png_signature)) {
        return parse_png(head);
    }
    return not_found("neither a JPEG nor a PNG begins here");
}

Result<PhotoFacts> read_photo_facts(const io::ByteSource& photo)
{
    const auto head = SALVAGE_TRY(io::read_up_to(photo, ByteOffset{0}, usual_head));
    auto facts = SALVAGE_TRY(parse_photo_facts(head));
    if (!facts.width && photo.size() > usual_head) { // the picture begins further back
        const auto more = io::read_up_to(photo, ByteOffset{0}, max_head);
        return more.has_value() ? parse_photo_facts(*more) : Result<PhotoFacts>{std::move(facts)};
    }
    return facts;
}

} // namespace salvage::artifact
