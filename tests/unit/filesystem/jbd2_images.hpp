// Volumes whose journal holds transactions that were never checkpointed: debugfs writes them, e2fsck judges.
#pragma once

#include <set>

#include "salvage/filesystem/jbd2.hpp"
#include "trees.hpp"

namespace salvage::test {

using filesystem::JournaledVolume;
using filesystem::JournalReport;

constexpr std::uint64_t journal_inode = 8;

inline const Tree& tree()
{
    static const Tree instance;
    return instance;
}

inline void write_image(const std::filesystem::path& path, ByteView bytes)
{
    std::ofstream file{path, std::ios::binary | std::ios::trunc};
    file.write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::uint32_t block_bytes_of(const Bytes& image)
{
    return 1024U << load_le<std::uint32_t>(ByteView{image}.subspan(1024 + 0x18));
}

inline ByteView block_of(const Bytes& image, std::uint64_t block)
{
    const auto size = block_bytes_of(image);
    return ByteView{image}.subspan(static_cast<std::size_t>(block * size), size);
}

/// Blocks that differ, without the one that holds the superblock.
inline std::vector<std::uint64_t> changed_blocks(const Bytes& before, const Bytes& after)
{
    std::vector<std::uint64_t> out;
    const auto size = block_bytes_of(before);
    for (std::uint64_t block = 1024 / size + 1; block < before.size() / size; ++block) {
        if (!std::ranges::equal(block_of(before, block), block_of(after, block))) {
            out.push_back(block);
        }
    }
    return out;
}

inline std::string list_of(const std::vector<std::uint64_t>& blocks)
{
    std::string out;
    for (const auto block : blocks) {
        out += (out.empty() ? "" : ",") + std::to_string(block);
    }
    return out;
}

/// Blocks of the volume that the journal itself takes.
inline std::set<std::uint64_t> blocks_of_journal(const io::ByteSource& journal, std::uint32_t block_bytes)
{
    std::set<std::uint64_t> out;
    for (std::uint64_t at = 0; at < journal.size().value; at += block_bytes) {
        out.insert(journal.locate(ByteOffset{at}).chain.front().at.value / block_bytes);
    }
    return out;
}

/// A volume as a phone leaves it that lost its power, and the same volume had it not.
struct Dirty {
    Bytes image;
    Bytes intended;
};

class Journals {
public:
    /// `open` goes to debugfs's journal_open.
    static Dirty make(const std::string& options, const std::string& open, const std::string& more = {})
    {
        const auto path = tree().image(options, "8M");
        const auto before = read_file(path);
        const auto copy = tree().folder() / "copy";
        write_image(copy, before);
        change(copy);
        Dirty out{.image = {}, .intended = read_file(copy)};
        const TemporaryFolder scratch;
        const auto blocks = changed_blocks(before, out.intended);
        Bytes stale;
        Bytes data;
        for (const auto block : blocks) {
            const auto bytes = block_of(out.intended, block);
            data.insert(data.end(), bytes.begin(), bytes.end());
            const auto old = noise(bytes.size(), block);
            stale.insert(stale.end(), old.begin(), old.end());
        }
        const auto data_path = scratch.write("data", data).string();
        const auto stale_path = scratch.write("stale", stale).string();
        const auto revoked = std::to_string(first_block_of(path, "/large"));
        auto commands = "jo " + open + "\njw -b " + list_of(blocks) + " " + stale_path + "\n";
        // debugfs gives a transaction of nothing but a revoke a checksum of the first kind that e2fsck itself rejects.
        const bool has_revoke = open != "-c -v 1";
        commands += has_revoke ? "jw -b " + revoked + " " + stale_path + "\n" : "";
        commands += "jw -b " + list_of(blocks) + " " + data_path + "\n";
        commands += has_revoke ? "jw -r " + revoked + " /dev/null\n" : "";
        Tree::debugfs(path, commands + more + "jc\n");
        out.image = read_file(path);
        return out;
    }

    /// What e2fsck makes of the journal and of nothing else.
    static Bytes judged(const Bytes& image)
    {
        const TemporaryFolder scratch;
        const auto path = scratch.write("image", image);
        ignore_status("e2fsck -y -E journal_only " + path.string() + " >/dev/null 2>&1");
        return read_file(path);
    }

private:
    static void ignore_status(const std::string& line) { must_run(tools(line + "; test $? -le 1")); }

    static void change(const std::filesystem::path& image)
    {
        const TemporaryFolder scratch;
        auto escaped = noise(3000, 3);
        std::ranges::copy(*from_hex("C03B3998"), escaped.begin()); // the journal's own magic must be escaped
        const auto file = scratch.write("file", escaped);
        Tree::debugfs(image, "mkdir late\nwrite " + file.string() + " late/escaped\nrm one-more\n");
    }

    static std::uint64_t first_block_of(const std::filesystem::path& image, const std::string& file)
    {
        return std::stoull(Tree::ask(image, "blocks " + file));
    }
};

inline Result<JournalReport> replay(const Bytes& image, io::Overlay& overlay,
                                    std::set<std::uint64_t>* journal_blocks = nullptr)
{
    const auto fs = open_image(image);
    const auto journal = fs->open(journal_inode).value();
    const auto block_bytes = block_bytes_of(image);
    if (journal_blocks != nullptr) {
        *journal_blocks = blocks_of_journal(*journal, block_bytes);
    }
    const JournaledVolume volume{.block_bytes = block_bytes, .blocks = image.size() / block_bytes};
    return filesystem::replay_journal(*journal, volume, overlay);
}

/// Ours against e2fsck's, block by block, outside superblock and journal.
inline void expect_as_judged(const Bytes& image)
{
    const auto overlay = io::make_overlay(in_memory(image), ByteCount{1U << 26U});
    std::set<std::uint64_t> journal;
    const auto report = replay(image, *overlay, &journal);
    ASSERT_TRUE(is_ok(report));
    const auto ours = io::read_all(*overlay->view(), ByteCount{1U << 26U}).value();
    const auto theirs = Journals::judged(image);
    EXPECT_FALSE(changed_blocks(image, theirs).empty());
    for (const auto block : changed_blocks(ours, theirs)) {
        EXPECT_TRUE(journal.contains(block)) << "block " << block << " differs from e2fsck's";
    }
}

class Jbd2Replay : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (!have_e2fsprogs()) {
            GTEST_SKIP() << "e2fsprogs is not installed";
        }
    }
};

constexpr auto plain = "-t ext4 -b 1024 -O none,has_journal,extent,filetype";

inline JournalReport report_of(const Bytes& image)
{
    const auto overlay = io::make_overlay(in_memory(image), ByteCount{1U << 26U});
    return replay(image, *overlay).value();
}

/// The byte of the image where byte `at` of the journal lies.
inline std::size_t place_of(const Bytes& image, std::uint64_t at)
{
    const auto fs = open_image(image);
    return static_cast<std::size_t>(fs->open(journal_inode).value()->locate(ByteOffset{at}).chain.front().at.value);
}

} // namespace salvage::test
