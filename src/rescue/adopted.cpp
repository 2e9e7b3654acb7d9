#include "salvage/rescue/adopted.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

/// Of the partition that android_expand is, whatever its name says.
constexpr std::string_view expand_type = "193D1EA4-B3CA-11E4-B075-10604B889DCF";
constexpr std::string_view keys_folder = "/misc/vold";
constexpr std::string_view key_prefix = "expand_";
constexpr std::string_view key_suffix = ".key";
constexpr std::size_t guid_digits = 32;
constexpr std::size_t aes_key_bytes = 16;
/// Android 9 on a processor without AES: the system property that chooses the cipher says Adiantum.
constexpr std::size_t adiantum_key_bytes = 32;

std::string attribute(const partition::Partition& partition, std::string_view name)
{
    const auto found = std::ranges::find(partition.attributes, name, &std::pair<std::string, std::string>::first);
    return found == partition.attributes.end() ? std::string{} : found->second;
}

/// A GUID as the key's file is named for it: hex digits alone, lower case.
std::string digits_of(std::string_view guid)
{
    std::string out;
    for (const char c : guid) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isxdigit(byte) != 0) {
            out.push_back(static_cast<char>(std::tolower(byte)));
        }
    }
    return out;
}

std::optional<CardKey> card_key_of(const filesystem::Entry& entry)
{
    std::string_view name{entry.name};
    if (entry.type != filesystem::EntryType::file || !name.starts_with(key_prefix) || !name.ends_with(key_suffix) ||
        name.size() != key_prefix.size() + guid_digits + key_suffix.size()) {
        return std::nullopt;
    }
    return CardKey{.path = fmt::format("{}/{}", keys_folder, name),
                   .partition_guid = digits_of(name.substr(key_prefix.size(), guid_digits))};
}

Error no_key_for(const std::string& guid, const std::vector<CardKey>& keys)
{
    std::vector<std::string> names;
    std::ranges::transform(keys, std::back_inserter(names), &CardKey::partition_guid);
    return not_found("this phone has no key for this card",
                     keys.empty() ? fmt::format("{} on its userdata holds no key of any card", keys_folder)
                                  : fmt::format("the card is {}; there are keys for {}", guid, fmt::join(names, ", ")),
                     "the card belongs to another phone, or was formatted anew since");
}

} // namespace

std::optional<partition::Partition> adopted_partition(const Dump& card)
{
    const auto found = std::ranges::find_if(card.layout.partitions, [](const partition::Partition& one) {
        return one.region == "user" && attribute(one, "type_guid") == expand_type;
    });
    return found == card.layout.partitions.end() ? std::nullopt : std::optional{*found};
}

Result<std::vector<CardKey>> card_keys(const filesystem::FileSystem& userdata)
{
    const auto folder = filesystem::find_path(userdata, keys_folder);
    if (!folder.has_value()) {
        return folder.error().code == ErrorCode::not_found ? Result<std::vector<CardKey>>{std::vector<CardKey>{}}
                                                           : Result<std::vector<CardKey>>{folder.error()};
    }
    std::vector<CardKey> out;
    for (const auto& entry : SALVAGE_TRY(userdata.list(folder->inode))) {
        if (auto key = card_key_of(entry)) {
            out.push_back(*std::move(key));
        }
    }
    std::ranges::sort(out, {}, &CardKey::path);
    return out;
}

Result<GivenMasterKey> adopted_card_key(const Dump& card, const filesystem::FileSystem& userdata)
{
    const auto partition = adopted_partition(card);
    if (!partition) {
        return not_found("no phone has adopted this card",
                         fmt::format("none of its {} partitions is of the type android_expand ({})",
                                     card.layout.partitions.size(), expand_type),
                         "an ordinary card is opened without a key");
    }
    const auto guid = digits_of(attribute(*partition, "unique_guid"));
    const auto keys = SALVAGE_TRY(card_keys(userdata));
    const auto known = std::ranges::find(keys, guid, &CardKey::partition_guid);
    if (known == keys.end()) {
        return no_key_for(guid, keys);
    }
    const auto entry = SALVAGE_TRY(filesystem::find_path(userdata, known->path));
    const auto content = SALVAGE_TRY(userdata.open(entry.inode).in("opening " + known->path));
    if (content->size().value != aes_key_bytes && content->size().value != adiantum_key_bytes) {
        return malformed(ByteOffset{0}, "this is no key of a card",
                         fmt::format("{} has {} bytes, expected {} or {}", known->path, content->size().value,
                                     aes_key_bytes, adiantum_key_bytes));
    }
    SecretBytes key{static_cast<std::size_t>(content->size().value)};
    SALVAGE_TRY(content->read_at(ByteOffset{0}, key.expose_for_writing()).in("reading " + known->path));
    GivenMasterKey out;
    out.key = std::move(key);
    if (out.key.size() == adiantum_key_bytes) {
        out.cipher = "xchacha12,aes-adiantum-plain64";
    }
    return out;
}

} // namespace salvage::rescue
