// Random volumes against the tree that mke2fs put in, and every block of metadata damaged in turn against debugfs.
// SALVAGE_EXT_SEEDS=N and SALVAGE_EXT_MATRIX=1 make both large; without them they are samples.
#include <algorithm>
#include <iostream>
#include <random>
#include <regex>
#include <set>

#include "trees.hpp"

namespace salvage::test {
namespace {

using filesystem::EntryType;

std::size_t number_from(const char* variable, std::size_t otherwise)
{
    const auto* const text = std::getenv(variable); // NOLINT(concurrency-mt-unsafe): nothing changes the environment
    return text == nullptr ? otherwise : std::stoul(text);
}

class RandomVolume {
public:
    explicit RandomVolume(std::uint32_t seed) : random_{seed} { fill(folder_.path() / "tree", 0); }

    [[nodiscard]] std::filesystem::path tree() const { return folder_.path() / "tree"; }

    /// An image with options that go together; those are in `options` then.
    std::filesystem::path image()
    {
        const auto block = one_of({"1024", "2048", "4096"});
        const bool has_extents = is_likely(80);
        options = "-t ext4 -b " + block + " -I " + one_of({"128", "256", "512", "1024"}) + " -O none,filetype";
        options += has_extents ? ",extent" : "";
        for (const auto* const feature : {"ext_attr", "dir_index", "flex_bg", "sparse_super", "huge_file", "large_file",
                                          "dir_nlink", "has_journal", "large_dir", "verity", "stable_inodes"}) {
            options += is_likely(50) ? std::string{","} + feature : "";
        }
        const bool has_large_inodes = options.find("-I 128") == std::string::npos;
        options += has_large_inodes && is_likely(80) ? ",extra_isize" : "";
        options +=
            has_large_inodes && options.find("ext_attr") != std::string::npos && is_likely(40) ? ",inline_data" : "";
        options += has_extents && is_likely(50) ? ",64bit" : "";
        options += is_likely(60) ? ",metadata_csum" : is_likely(50) ? ",uninit_bg" : "";
        options += options.find("metadata_csum") != std::string::npos && is_likely(50) ? ",metadata_csum_seed" : "";
        options += is_likely(30) ? ",encrypt" : "";
        const bool has_casefold = is_likely(20);
        options += has_casefold ? ",casefold -E encoding=utf8" : "";
        options += is_likely(50) ? " -g " + one_of({"1024", "2048", "8192"}) : "";
        auto path = folder_.path() / "image";
        must_run(
            tools("mke2fs -q -F " + options + " -N 1024 -d " + tree().string() + " " + path.string() + " 24M 2>&1"));
        return path;
    }

    std::string options;

private:
    [[nodiscard]] bool is_likely(unsigned percent) { return random_() % 100 < percent; }
    std::string one_of(const std::vector<const char*>& choices) { return choices.at(random_() % choices.size()); }

    void fill(const std::filesystem::path& folder, unsigned depth)
    {
        std::filesystem::create_directory(folder);
        const auto count = 3 + random_() % 20;
        for (std::size_t i = 0; i < count; ++i) {
            const auto path =
                folder / (std::string(1 + random_() % 60, static_cast<char>('a' + i)) + std::to_string(i));
            const auto kind = random_() % 10;
            if (kind == 0 && depth < 4) {
                fill(path, depth + 1);
            } else if (kind == 1) {
                std::filesystem::create_symlink(std::string(1 + random_() % 200, 'l'), path);
            } else {
                write(path);
            }
        }
    }

    void write(const std::filesystem::path& path)
    {
        constexpr std::array<std::size_t, 8> sizes{0, 1, 60, 150, 1024, 4097, 70'000, 300'000};
        const auto size = sizes.at(random_() % sizes.size());
        std::ofstream file{path, std::ios::binary};
        if (random_() % 8 == 0) {
            file.seekp(static_cast<std::streamoff>(random_() % 200'000));
        }
        const auto bytes = noise(size == 0 ? 0 : 1 + random_() % size, random_());
        file.write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
    }

    std::mt19937 random_;
    TemporaryFolder folder_;
};

void expect_same(const filesystem::FileSystem& fs, const std::filesystem::path& tree)
{
    auto entries = walk_all(fs);
    entries.erase("lost+found");
    std::size_t count = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator{tree}) {
        ++count;
        const auto path = file.path().string().substr(tree.string().size() + 1);
        const auto found = entries.find(path);
        ASSERT_NE(found, entries.end()) << path;
        const auto inode = found->second.inode;
        if (file.is_symlink()) {
            EXPECT_EQ(fs.read_link(inode).value(), std::filesystem::read_symlink(file.path()).string());
        } else if (file.is_regular_file()) {
            EXPECT_EQ(sha256(content_of(fs, inode)), sha256(read_file(file.path()))) << path;
        }
    }
    EXPECT_EQ(entries.size(), count);
}

TEST(ExtRandom, VolumesComeOutAsTheyWentIn)
{
    if (!have_e2fsprogs()) {
        GTEST_SKIP() << "e2fsprogs is not installed";
    }
    const auto seeds = number_from("SALVAGE_EXT_SEEDS", 8);
    for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
        RandomVolume volume{seed};
        const auto image = volume.image();
        SCOPED_TRACE("seed " + std::to_string(seed) + ": " + volume.options);
        const auto fs = open_image(read_file(image));
        for (const auto& finding : fs->findings()) {
            ADD_FAILURE() << finding.code << ": " << finding.text;
        }
        expect_same(*fs, volume.tree());
        const auto deleted = fs->deleted_files({}).value();
        EXPECT_TRUE(deleted.empty()) << deleted.size() << ", " << deleted.front().proof;
        EXPECT_TRUE(is_ok(fs->unused_areas()));
    }
}

/// Superblock, descriptors, bitmaps, used inode tables, and blocks of folders and of maps.
std::vector<std::uint64_t> metadata_of(const std::filesystem::path& image, std::uint32_t inodes)
{
    std::set<std::uint64_t> out;
    const auto text = must_run(tools("dumpe2fs " + image.string() + " 2>/dev/null"));
    static const std::regex place{R"((superblock|descriptors|bitmap|table) at (\d+)(-(\d+))?)"};
    for (auto at = std::sregex_iterator{text.begin(), text.end(), place}; at != std::sregex_iterator{}; ++at) {
        const auto first = std::stoull((*at)[2]);
        auto last = (*at)[4].matched ? std::stoull((*at)[4]) : first;
        last = (*at)[1] == "table" ? std::min<std::uint64_t>(last, first + inodes / 4) : last;
        for (auto block = first; block <= last; ++block) {
            out.insert(block);
        }
    }
    for (const auto* const folder : {"/", "/media", "/media/0", "/media/0/DCIM", "/media/0/DCIM/Camera", "/many"}) {
        std::istringstream blocks{Tree::ask(image, std::string{"blocks "} + folder)};
        for (std::uint64_t block = 0; blocks >> block;) {
            out.insert(block);
        }
    }
    return {out.begin(), out.end()};
}

struct Survivors {
    std::size_t in_place{0}; ///< right content at the right path
    std::size_t nameless{0}; ///< right content under lost+found
    std::size_t wrong{0};    ///< other content at a path, and nothing that says so
};

class Matrix {
public:
    explicit Matrix(const Tree& tree)
    {
        for (const auto& file : std::filesystem::recursive_directory_iterator{tree.root()}) {
            // An empty file comes out right of whatever stands for its inode.
            if (!file.is_symlink() && file.is_regular_file() && file.file_size() != 0) {
                const auto path = file.path().string().substr(tree.root().string().size() + 1);
                expected_.emplace(path, sha256(read_file(file.path())));
            }
        }
    }
    [[nodiscard]] std::size_t files() const { return expected_.size(); }

    [[nodiscard]] Survivors of_salvage(const Bytes& image) const
    {
        Survivors out;
        const auto fs = filesystem::open(in_memory(image));
        if (fs.has_value()) {
            std::set<std::uint64_t> seen;
            walk(**fs, (*fs)->root().inode, "", seen, out);
        }
        return out;
    }

    [[nodiscard]] Survivors of_debugfs(const std::filesystem::path& image) const
    {
        Survivors out;
        const TemporaryFolder scratch;
        must_run(tools("timeout 20 debugfs -R 'rdump / " + scratch.path().string() + "' " + image.string() +
                       " >/dev/null 2>&1; true"));
        for (const auto& file : std::filesystem::recursive_directory_iterator{scratch.path()}) {
            if (!file.is_symlink() && file.is_regular_file()) {
                const auto path = file.path().string().substr(scratch.path().string().size() + 1);
                count(path, sha256(read_file(file.path())), true, out);
            }
        }
        return out;
    }

private:
    void count(const std::string& path, const std::string& hash, bool is_said_sure, Survivors& out) const
    {
        const auto known = expected_.find(path);
        if (known != expected_.end()) {
            out.in_place += known->second == hash ? 1U : 0U;
            out.wrong += known->second != hash && is_said_sure ? 1U : 0U;
        } else if (path.starts_with("lost+found/")) {
            out.nameless +=
                std::ranges::any_of(expected_, [&](const auto& file) { return file.second == hash; }) ? 1U : 0U;
        }
    }

    void walk(const filesystem::FileSystem& fs, std::uint64_t folder, const std::string& path,
              std::set<std::uint64_t>& seen, Survivors& out) const
    {
        if (!seen.insert(folder).second) {
            return;
        }
        std::vector<filesystem::Entry> so_far;
        const auto listed = fs.list(folder, &so_far);
        for (const auto& entry : listed.has_value() ? *listed : so_far) {
            const auto name = path.empty() ? entry.name : path + "/" + entry.name;
            if (entry.type == EntryType::directory) {
                walk(fs, entry.inode, name, seen, out);
            }
            const auto file = fs.open(entry.inode);
            if (file.has_value()) {
                const auto bytes = io::read_all(**file, ByteCount{1U << 24U});
                if (bytes.has_value()) {
                    count(name, sha256(*bytes), listed.has_value(), out);
                }
            }
        }
    }

    std::map<std::string, std::string> expected_;
};

class ExtMatrix : public ::testing::TestWithParam<const char*> {};

TEST_P(ExtMatrix, NoDamagedBlockCostsMoreThanItCostsDebugfs)
{
    if (!have_e2fsprogs()) {
        GTEST_SKIP() << "e2fsprogs is not installed";
    }
    const Tree tree;
    const auto path = tree.image(GetParam(), "12M");
    const auto image = read_file(path);
    const Matrix matrix{tree};
    const auto blocks = metadata_of(path, 400);
    const auto step = number_from("SALVAGE_EXT_MATRIX", 0) != 0 ? 1U : 12U;
    Survivors ours;
    Survivors theirs;
    std::size_t rounds = 0;
    for (std::size_t i = 0; i < blocks.size(); i += step) {
        for (const bool is_noise : {false, true}) {
            auto damaged = image;
            const auto bytes = is_noise ? noise(1024, blocks[i]) : Bytes(1024);
            std::ranges::copy(bytes, damaged.begin() + static_cast<std::ptrdiff_t>(blocks[i] * 1024));
            const auto mine = matrix.of_salvage(damaged);
            const TemporaryFolder scratch;
            const auto peer = matrix.of_debugfs(scratch.write("image", damaged));
            EXPECT_GE(mine.in_place + mine.nameless, peer.in_place) << "block " << blocks[i];
            ours = {ours.in_place + mine.in_place, ours.nameless + mine.nameless, ours.wrong + mine.wrong};
            theirs = {theirs.in_place + peer.in_place, 0, theirs.wrong + peer.wrong};
            ++rounds;
        }
    }
    std::cout << rounds << " damaged images of " << matrix.files() << " files: Salvage " << ours.in_place << " and "
              << ours.nameless << " without their name, " << ours.wrong << " wrong; debugfs " << theirs.in_place << ", "
              << theirs.wrong << " wrong; of " << rounds * matrix.files() << "\n";
    if (std::string_view{GetParam()}.find("metadata_csum") != std::string_view::npos) {
        EXPECT_EQ(ours.wrong, 0U);
    }
}

constexpr std::array matrix_options{
    "-t ext4 -b 1024 -N 512 -O "
    "none,has_journal,extent,filetype,ext_attr,extra_isize,dir_index,sparse_super,metadata_csum -I 256",
    "-t ext4 -b 1024 -N 512 -O none,has_journal,extent,filetype,ext_attr,extra_isize,dir_index,sparse_super,uninit_bg "
    "-I 256",
    "-t ext2 -b 1024 -N 512 -O none,filetype,sparse_super -I 128"};
INSTANTIATE_TEST_SUITE_P(All, ExtMatrix, ::testing::ValuesIn(matrix_options));

} // namespace
} // namespace salvage::test
