// mke2fs fills a volume from a folder, debugfs sets what mke2fs cannot, dumpe2fs tells the blocks in use.
#include "sample_phone_volume.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "sample_phone_crypto.hpp"
#include "sample_phone_tools.hpp"

namespace salvage::rescue::sample {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view package{"e2fsprogs"};
/// What Android 7's make_ext4fs leaves: no flex_bg, no 64bit, no metadata_csum.
constexpr std::string_view features{"ext_attr,resize_inode,dir_index,filetype,extent,sparse_super,large_file,"
                                    "extra_isize,^64bit,^flex_bg,^huge_file,^dir_nlink"};

Result<std::string> make_uuid(const VolumeOptions& options, std::string_view purpose)
{
    auto random = SALVAGE_TRY(Random::make(options.seed, fmt::format("{} {}", options.label, purpose)));
    const auto hex = to_hex(random.bytes(16));
    return fmt::format("{}-{}-4{}-a{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(13, 3), hex.substr(17, 3),
                       hex.substr(20, 12));
}

/// Runs debugfs commands from a file.  It ends with 0 whatever happens: what it complains about is the answer.
Result<> run_debugfs(const fs::path& image, std::string_view commands)
{
    const auto script = fs::path{image.string() + ".debugfs"};
    std::error_code ignored;
    fs::remove(script, ignored);
    SALVAGE_TRY(write_new_file(script, as_bytes(commands)));
    const auto output = SALVAGE_TRY(run_tool({"debugfs", "-w", "-f", script.string(), image.string()}, package));
    const auto after_banner = output.complaints.find('\n');
    if (output.exit_code != 0 || after_banner == std::string::npos || after_banner + 1 != output.complaints.size()) {
        return Error{.code = ErrorCode::internal,
                     .what = "debugfs failed on the sample phone",
                     .why = output.complaints,
                     .where = {},
                     .hint = {},
                     .trail = {}};
    }
    return {};
}

Result<std::string> ask_debugfs(const fs::path& image, const std::string& request)
{
    return run_tool_or_fail({"debugfs", "-R", request, image.string()}, package);
}

/// The decimal numbers of a text, in order.
std::vector<std::uint64_t> numbers_in(std::string_view text)
{
    std::vector<std::uint64_t> out;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        std::uint64_t value = 0;
        const auto [next, failure] = std::from_chars(at, end, value);
        if (failure == std::errc{}) {
            out.push_back(value);
            at = next;
        } else {
            ++at;
        }
    }
    return out;
}

Bytes read_block(const ImageFile& image, std::uint64_t block, Result<>& failure)
{
    Bytes out(volume_block_bytes);
    if (failure.has_value()) {
        failure = image.read_at(ByteOffset{block * volume_block_bytes}, out);
    }
    return out;
}

} // namespace

Result<> make_volume(Tree& tree, const fs::path& image, const VolumeOptions& options)
{
    {
        const auto made = SALVAGE_TRY(ImageFile::create(image, options.size));
    }
    const auto uuid = SALVAGE_TRY(make_uuid(options, "uuid"));
    const auto hash_seed = SALVAGE_TRY(make_uuid(options, "hash"));
    // mke2fs refuses a 4 MiB journal in less than 16 MiB; such volumes are read-only or hold nothing of worth.
    constexpr std::uint64_t least_with_journal = 16U << 20U;
    const bool has_journal = options.size.value >= least_with_journal;
    const auto all_features = fmt::format("{}{}{}{}", features, has_journal ? ",has_journal" : ",^has_journal",
                                          options.has_checksums ? ",metadata_csum" : ",uninit_bg,^metadata_csum",
                                          options.has_encrypt_feature ? ",encrypt" : "");
    std::vector<std::string> command{"mke2fs", "-q",  "-F", "-t", "ext4", "-b",  "4096",
                                     "-I",     "256", "-m", "0",  "-N",   "2048"};
    if (has_journal) {
        command.insert(command.end(), {"-J", "size=4"}); // -J alone would switch a journal on
    }
    command.insert(command.end(),
                   {"-O", all_features, "-L", std::string{options.label}, "-U", uuid, "-E",
                    fmt::format("hash_seed={},lazy_itable_init=0,lazy_journal_init=0,nodiscard", hash_seed), "-d",
                    tree.root().string(), image.string(), fmt::format("{}k", options.size.value / 1024)});
    SALVAGE_TRY(run_tool_or_fail(command, package));
    std::string commands;
    for (const auto& entry : tree.entries()) {
        commands += debugfs_commands_for(entry);
    }
    SALVAGE_TRY(run_debugfs(image, commands));
    auto& lost_and_found = tree.entries().emplace_back();
    lost_and_found.path = "/lost+found";
    lost_and_found.type = ExpectedFile::Type::folder;
    lost_and_found.mode = 0700;
    lost_and_found.mtime = 1500000000;
    return {};
}

Result<std::vector<ByteRange>> used_ranges(const fs::path& image, ByteCount size)
{
    const auto text = SALVAGE_TRY(run_tool_or_fail({"dumpe2fs", image.string()}, package));
    constexpr std::string_view label{"  Free blocks: "};
    std::vector<ByteRange> out;
    std::uint64_t next_used = 0;
    const auto add_until = [&](std::uint64_t end) {
        if (next_used < end) {
            out.push_back(
                ByteRange::between(ByteOffset{next_used * volume_block_bytes}, ByteOffset{end * volume_block_bytes}));
        }
    };
    for (auto at = text.find(label); at != std::string::npos; at = text.find(label, at + 1)) {
        const auto line = std::string_view{text}.substr(at + label.size(), text.find('\n', at) - at - label.size());
        for (std::size_t start = 0; start < line.size();) {
            const auto end = std::min(line.find(',', start), line.size());
            const auto numbers = numbers_in(line.substr(start, end - start)); // "1170-16383" or "42"
            if (!numbers.empty()) {
                add_until(numbers.front());
                next_used = numbers.back() + 1;
            }
            start = end + 1;
        }
    }
    add_until(size.value / volume_block_bytes);
    return out;
}

Result<std::vector<ByteOffset>> blocks_of(const fs::path& image, std::string_view path)
{
    const auto text = SALVAGE_TRY(ask_debugfs(image, fmt::format("blocks \"{}\"", path)));
    std::vector<ByteOffset> out;
    for (const auto block : numbers_in(text)) {
        if (block != 0) {
            out.emplace_back(block * volume_block_bytes);
        }
    }
    if (out.empty()) {
        return invalid_argument("the sample phone has no such file with data", path);
    }
    return out;
}

Result<> make_journal_dirty(Tree& tree, const fs::path& image)
{
    const auto after = fs::path{image.string() + ".after"};
    const auto payload = fs::path{image.string() + ".payload"};
    std::error_code failure;
    fs::copy_file(image, after, failure);
    if (failure) {
        return from_errno(failure.value(), "cannot copy the sample phone's volume", image.string());
    }
    // The tree's root is already in the image: this file stands beside it.
    Tree late{fs::path{image.string() + ".late"}};
    std::filesystem::create_directory(late.root(), failure);
    SALVAGE_TRY(
        late.text("/late", "This file is in the journal only.\n", {.mode = 0644, .owner = 1000, .selinux = {}}));
    SALVAGE_TRY(run_debugfs(after, fmt::format("write \"{}\" late\n{}", late.staged("/late").string(),
                                               debugfs_commands_for(late.entries().front()))));

    auto before_file = SALVAGE_TRY(ImageFile::open(image));
    const auto after_file = SALVAGE_TRY(ImageFile::open(after));
    const auto size = SALVAGE_TRY(before_file.size());
    Bytes changed;
    std::string list;
    Result<> reading{};
    for (std::uint64_t block = 0; block < size.value / volume_block_bytes; ++block) {
        const auto new_block = read_block(after_file, block, reading);
        if (new_block != read_block(before_file, block, reading)) {
            changed.insert(changed.end(), new_block.begin(), new_block.end());
            list += fmt::format("{}{}", list.empty() ? "" : ",", block);
        }
    }
    SALVAGE_TRY(std::move(reading));
    SALVAGE_TRY(write_new_file(payload, changed));
    SALVAGE_TRY(run_debugfs(
        image, fmt::format("journal_open\njournal_write -b {} \"{}\"\njournal_close\n", list, payload.string())));
    late.entries().front().needs_journal = true;
    tree.entries().push_back(std::move(late.entries().front()));
    return {};
}

} // namespace salvage::rescue::sample
