#include "posix.hpp"

#include <array>

#include <fmt/format.h>

namespace salvage::filesystem {

EntryType entry_type_of_mode(std::uint32_t mode) noexcept
{
    switch (mode & 0xF000U) {
    case 0x1000: return EntryType::fifo;
    case 0x2000: return EntryType::character_device;
    case 0x4000: return EntryType::directory;
    case 0x6000: return EntryType::block_device;
    case 0x8000: return EntryType::file;
    case 0xA000: return EntryType::symlink;
    case 0xC000: return EntryType::socket;
    default: return EntryType::unknown;
    }
}

EntryType entry_type_of(std::uint8_t directory_file_type) noexcept
{
    constexpr std::array types{EntryType::unknown,          EntryType::file,         EntryType::directory,
                               EntryType::character_device, EntryType::block_device, EntryType::fifo,
                               EntryType::socket,           EntryType::symlink};
    return directory_file_type < types.size() ? types[directory_file_type] : EntryType::unknown;
}

std::uint64_t device_number(std::uint32_t word) noexcept
{
    return std::uint64_t{(word >> 8U) & 0xFFFU} << 32U | (word & 0xFFU) | ((word >> 12U) & 0xFFF00U);
}

std::uint64_t device_number(std::uint32_t old_form, std::uint32_t wide_form) noexcept
{
    return old_form == 0 ? device_number(wide_form)
                         : std::uint64_t{(old_form >> 8U) & 0xFFU} << 32U | (old_form & 0xFFU);
}

Result<> check_type(EntryType wanted, EntryType found, std::uint64_t number)
{
    if (found == wanted) {
        return {};
    }
    const auto* const what = wanted == EntryType::directory ? "only a directory can be listed"
                             : wanted == EntryType::symlink ? "only a symbolic link has a target"
                                                            : "only a file has content";
    return invalid_argument(what, fmt::format("inode {} is a {}", number, to_string(found)));
}

Result<std::vector<Entry>> listing(std::uint64_t directory, std::vector<Entry> entries, std::optional<Error> damage,
                                   std::vector<Entry>* read_so_far)
{
    if (!damage) {
        return entries;
    }
    if (read_so_far != nullptr) {
        *read_so_far = std::move(entries);
    }
    return std::move(*damage).in(fmt::format("reading the directory of inode {}", directory));
}

} // namespace salvage::filesystem
