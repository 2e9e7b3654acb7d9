// Android's fstab: which filesystem is /data, and where its crypto footer is.  docs/formats/fstab.md.
// AOSP system/core/fs_mgr: the first entry that is not managed by vold and names a place wins.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "note.hpp"
#include "probes.hpp"
#include "salvage/core/text.hpp"
#include "text_lines.hpp"

namespace salvage::partition {
namespace {

constexpr std::size_t max_entries = 256; // real ones have about 30
constexpr std::size_t max_words = 8;

// Flags that name a place for the footer, and the one that means file-based encryption.
constexpr std::array place_flags{std::string_view{"encryptable"}, std::string_view{"forceencrypt"},
                                 std::string_view{"forcefdeorfbe"}};
constexpr std::string_view fbe_flag{"fileencryption"};

struct FstabEntry {
    std::string_view device;
    std::string_view mount_point;
    std::string_view filesystem;
    std::string_view mount_options;
    std::string_view manager_flags; ///< "fs_mgr flags": wait, check, forceencrypt=…
    ByteOffset at;
};

bool is_path(std::string_view text) noexcept
{
    return text.starts_with('/');
}

bool is_filesystem_name(std::string_view text) noexcept
{
    return !text.empty() && text.size() <= 16 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == ',';
    });
}

/// The fifth column; old recovery fstabs write flags= in front of it.
std::string_view flags_of(std::string_view text) noexcept
{
    constexpr std::string_view prefix{"flags="};
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

std::optional<FstabEntry> parse_entry(const Line& line)
{
    const auto words = words_of(line.text, max_words);
    const auto word = [&](std::size_t index) { return index < words.size() ? words[index] : std::string_view{}; };
    if (words.size() >= 4 && is_filesystem_name(word(2)) &&
        (is_path(word(1)) || word(1) == "none" || word(1) == "auto" || word(1) == "recovery")) {
        return FstabEntry{.device = word(0),
                          .mount_point = word(1),
                          .filesystem = word(2),
                          .mount_options = word(3),
                          .manager_flags = flags_of(word(4)),
                          .at = line.at};
    }
    // Recovery's own form: mount point, filesystem, device, options.
    if (words.size() >= 3 && is_path(word(0)) && is_filesystem_name(word(1)) && is_path(word(2))) {
        return FstabEntry{.device = word(2),
                          .mount_point = word(0),
                          .filesystem = word(1),
                          .mount_options = {},
                          .manager_flags = flags_of(word(3)),
                          .at = line.at};
    }
    return std::nullopt;
}

struct Flag {
    std::string_view name;
    std::string_view value;
};

/// "wait,check,forceencrypt=footer;length=-16384": recoveries separate by semicolons.
std::vector<Flag> split_flags(std::string_view text)
{
    std::vector<Flag> out;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of(",;"), text.size());
        const auto flag = text.substr(0, end);
        const auto equals = flag.find('=');
        if (!flag.empty()) {
            out.push_back({.name = flag.substr(0, equals),
                           .value = equals == std::string_view::npos ? std::string_view{} : flag.substr(equals + 1)});
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

bool is_managed_by_vold(const std::vector<Flag>& flags)
{
    return std::ranges::any_of(flags, [](const Flag& flag) { return flag.name == "voldmanaged"; });
}

/// ".../by-name/userdata" and "/emmc@usrdata" name the partition in their last part.
std::string_view partition_name_of(std::string_view device) noexcept
{
    const auto at = device.find_last_of("/@");
    return at == std::string_view::npos ? device : device.substr(at + 1);
}

bool is_block_device(std::string_view device) noexcept
{
    return device.starts_with("/dev/") || device.starts_with("/emmc@") || device.starts_with("emmc@");
}

class FstabTable {
public:
    explicit FstabTable(const Input& input) : notes_{input.path}, table_{make_table("fstab", input.path)}
    {
        note_text_form(input, Tabs::usual, notes_);
    }

    void add(const FstabEntry& entry)
    {
        const auto flags = split_flags(entry.manager_flags);
        if (!is_managed_by_vold(flags)) {
            read_encryption(entry, flags);
        }
        if (!is_block_device(entry.device) || table_.partitions.size() == max_entries) {
            return;
        }
        const auto name = partition_name_of(entry.device);
        auto partition =
            make_partition(name.empty() ? unnamed(table_.partitions.size() + 1) : std::string{name}, "fstab");
        partition.filesystem = entry.filesystem;
        partition.is_start_known = false;
        partition.is_size_known = false;
        partition.attributes = {{"device", std::string{entry.device}},
                                {"mount_point", std::string{entry.mount_point}},
                                {"mount_options", std::string{entry.mount_options}},
                                {"fs_mgr_flags", std::string{entry.manager_flags}}};
        table_.partitions.push_back(std::move(partition));
    }

    Table take()
    {
        table_.findings = notes_.take();
        return std::move(table_);
    }

private:
    void read_encryption(const FstabEntry& entry, const std::vector<Flag>& flags)
    {
        for (const auto& flag : flags) {
            const bool names_place = std::ranges::find(place_flags, flag.name) != place_flags.end();
            if (names_place || flag.name == fbe_flag) {
                take_encryption(entry, flag, names_place ? flag.value : std::string_view{});
            } else if (flag.name == "length" && !flag.value.empty() && flag.value != "0") {
                notes_.note("fstab-length",
                            fmt::format("{} is mounted with length={}: its end is set aside, for a crypto footer.",
                                        printable(entry.mount_point), printable(flag.value)),
                            {.where = where(entry), .words = {{"length", std::string{flag.value}}}});
            }
        }
    }

    void take_encryption(const FstabEntry& entry, const Flag& flag, std::string_view place)
    {
        if (table_.data_encryption.empty()) {
            table_.data_encryption = flag.name;
            table_.footer_place = place;
            note_footer_place(entry, flag.name, place);
            if (entry.mount_point != "/data") {
                notes_.warn("fstab-encrypts-other",
                            fmt::format("'{}' is set for {}, not for /data.", flag.name, printable(entry.mount_point)),
                            {.where = where(entry)});
            }
        } else if (table_.data_encryption != flag.name || table_.footer_place != place) {
            notes_.warn(
                "fstab-encryption-differs",
                fmt::format("A later entry says {}={}; Android takes the first.", flag.name, printable(flag.value)),
                {.where = where(entry),
                 .words = {{"taken", table_.data_encryption},
                           {"taken_place", table_.footer_place},
                           {"other", std::string{flag.name}},
                           {"other_place", std::string{place}}}});
        }
    }

    /// The one thing a rescuer reads an fstab for.
    void note_footer_place(const FstabEntry& entry, std::string_view flag, std::string_view place)
    {
        if (place.empty()) {
            notes_.note("fstab-encryption",
                        fmt::format("{} has '{}': its files have keys of their own, and there is "
                                    "no crypto footer.",
                                    printable(entry.mount_point), flag),
                        {.where = where(entry), .words = {{"flag", std::string{flag}}}});
            return;
        }
        const bool is_at_end = place == "footer";
        const auto partition = is_at_end ? partition_name_of(entry.device) : partition_name_of(place);
        notes_.note("fstab-footer-place",
                    fmt::format("{} has '{}': its crypto footer is {} '{}'.", printable(entry.mount_point), flag,
                                is_at_end ? "the last 16 KiB of" : "in", printable(partition)),
                    {.where = where(entry),
                     .words = {{"flag", std::string{flag}},
                               {"place", std::string{place}},
                               {"footer_partition", std::string{partition}}}});
    }

    [[nodiscard]] FindingPlace where(const FstabEntry& entry) const
    {
        return {.source = table_.path, .offset = entry.at, .partition = std::string{partition_name_of(entry.device)}};
    }

    Notes notes_;
    Table table_;
};

} // namespace

Result<ProbeResults> probe_fstab(const Input& input)
{
    if (!input.is_small() || !looks_like_text(input.small_file)) {
        return ProbeResults{};
    }
    FstabTable table{input};
    std::size_t entries = 0;
    std::size_t foreign = 0;
    Lines lines{input.text()};
    for (auto line = lines.next(); line && entries < max_entries; line = lines.next()) {
        if (line->text.empty() || line->text.starts_with('#')) {
            continue;
        }
        if (const auto entry = parse_entry(*line)) {
            ++entries;
            table.add(*entry);
        } else {
            ++foreign;
        }
    }
    if (entries == 0 || foreign > entries) {
        return ProbeResults{};
    }
    return ProbeResults{found(table.take())};
}

} // namespace salvage::partition
