// hashcat's potfile.
#include "salvage/rescue/potfile.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "salvage/core/owned_descriptor.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::rescue {
namespace {

constexpr std::string_view hex_mark = "$HEX[";

bool is_plain(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F && c != ':'; }) &&
           !text.starts_with(hex_mark);
}

/// A full disk may have cut the line before; ours is not glued to it.
bool ends_amid_a_line(int file)
{
    char last = '\n';
    const auto size = lseek(file, 0, SEEK_END);
    return size > 0 && pread(file, &last, 1, size - 1) == 1 && last != '\n';
}

std::optional<Bytes> parse_plain(std::string_view text)
{
    if (text.starts_with(hex_mark) && text.ends_with(']')) {
        auto bytes = from_hex(text.substr(hex_mark.size(), text.size() - hex_mark.size() - 1));
        return bytes.has_value() ? std::optional{std::move(*bytes)} : std::nullopt;
    }
    const auto bytes = as_bytes(text);
    return Bytes{bytes.begin(), bytes.end()};
}

} // namespace

std::string format_plain(ByteView secret)
{
    const auto text = as_text(secret);
    return is_plain(text) ? std::string{text} : fmt::format("{}{}]", hex_mark, to_hex(secret));
}

std::string format_pot_line(std::string_view hash, ByteView secret)
{
    return fmt::format("{}:{}\n", hash, format_plain(secret));
}

Result<std::vector<SecretBytes>> find_in_potfile(const std::filesystem::path& path, std::string_view hash)
{
    std::vector<SecretBytes> out;
    std::error_code unknown; // what cannot be looked at cannot be opened either
    if (!std::filesystem::exists(path, unknown)) {
        return out;
    }
    const auto file = SALVAGE_TRY(io::open_file(path).in("reading the potfile"));
    if (file->size() > max_potfile_bytes) {
        return unsupported("the potfile is too large", format_size(file->size()),
                           "name another one with --potfile-path, or do without: --potfile-disable");
    }
    auto bytes = SALVAGE_TRY(io::read_all(*file, max_potfile_bytes).in("reading the potfile"));
    for (auto text = as_text(bytes); !text.empty();) {
        const auto end = text.find('\n');
        const auto line = text.substr(0, end);
        if (line.size() > hash.size() && line.starts_with(hash) && line[hash.size()] == ':') {
            if (auto plain = parse_plain(line.substr(hash.size() + 1))) {
                out.push_back(SecretBytes::copy_of(*plain));
                wipe(std::span{*plain});
            }
        }
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    wipe(std::span{bytes});
    return out;
}

Result<> add_to_potfile(const std::filesystem::path& path, std::string_view hash, ByteView secret)
{
    std::error_code problem;
    if (path.has_parent_path()) {
        std::filesystem::create_directories(path.parent_path(), problem);
    }
    const auto here = path.string();
    const OwnedDescriptor file{open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600)};
    if (!file.is_open()) {
        return from_errno(errno, "the potfile cannot be opened", here);
    }
    const auto line = (ends_amid_a_line(file.get()) ? "\n" : "") + format_pot_line(hash, secret);
    const auto written = write(file.get(), line.data(), line.size());
    if (written >= 0 && written != static_cast<ssize_t>(line.size())) {
        return from_errno(ENOSPC, "the potfile cannot be written", here);
    }
    if (written < 0 || fsync(file.get()) != 0) {
        return from_errno(errno, "the potfile cannot be written", here);
    }
    return {};
}

std::filesystem::path default_potfile(const std::function<const char*(const char*)>& get)
{
    const std::filesystem::path inside{"salvage/salvage.potfile"};
    if (const char* const data = get("XDG_DATA_HOME"); data != nullptr && *data == '/') {
        return data / inside;
    }
    const char* const home = get("HOME");
    return home != nullptr && *home == '/' ? home / (".local/share" / inside) : std::filesystem::path{};
}

} // namespace salvage::rescue
