// Volumes that mkfs.erofs makes of folders, with options drawn by lot: every file must be as it is in the folder.
// SALVAGE_EROFS_ROUNDS: how many (12); SALVAGE_EROFS_SEED: of the first one (1); SALVAGE_MKFS_EROFS: another program,
// whose further options are used, too, where it is of 1.9.
#include <random>

#include "erofs_images.hpp"

namespace salvage::test {
namespace {

using filesystem::Entry;
using filesystem::EntryType;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise)
{
    const char* const text = std::getenv(name); // NOLINT(concurrency-mt-unsafe)
    return text == nullptr ? otherwise : std::stoull(text);
}

EntryType type_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR: return EntryType::directory;
    case S_IFLNK: return EntryType::symlink;
    case S_IFIFO: return EntryType::fifo;
    case S_IFSOCK: return EntryType::socket;
    case S_IFCHR: return EntryType::character_device;
    case S_IFBLK: return EntryType::block_device;
    default: return EntryType::file;
    }
}

class Lots {
public:
    explicit Lots(std::uint64_t seed) : engine_{seed} {}
    std::uint64_t below(std::uint64_t end) { return engine_() % end; }
    bool one_in(std::uint64_t n) { return below(n) == 0; }
    template <typename T>
    const T& of(const std::vector<T>& all)
    {
        return all[below(all.size())];
    }

private:
    std::mt19937_64 engine_;
};

/// A folder with all sorts of files.
class RandomTree {
public:
    explicit RandomTree(std::uint64_t seed) : lots_{seed}
    {
        std::filesystem::create_directory(root());
        fill(root(), 0);
        touch_all();
    }

    [[nodiscard]] std::filesystem::path root() const { return folder_.path() / "tree"; }
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
    [[nodiscard]] Lots& lots() { return lots_; }

private:
    void fill(const std::filesystem::path& folder, unsigned depth)
    {
        const auto count = depth == 1 && lots_.one_in(4) ? 400 : 3 + lots_.below(12);
        for (std::uint64_t i = 0; i < count; ++i) {
            add(folder / name(i), depth, count > 100);
        }
    }

    std::string name(std::uint64_t number)
    {
        static const std::vector<std::string> stems{
            "file", "!first", "#x", "-", "\xC3\xA4\xF0\x9F\x98\x80", "a b", std::string(240, 'n'), "\xFF\x80", "Z"};
        return lots_.of(stems) + std::to_string(number);
    }

    void add(const std::filesystem::path& path, unsigned depth, bool is_crowded)
    {
        switch (lots_.below(is_crowded ? 40 : 16)) {
        case 0:
        case 1:
            if (depth < 4) {
                std::filesystem::create_directory(path);
                fill(path, depth + 1);
            }
            break;
        case 2: std::filesystem::create_symlink(std::string(1 + lots_.below(300), 't'), path); break;
        case 3: ::mkfifo(path.c_str(), 0640); break;
        case 4: add_device(path); break;
        case 5:
            if (!files_.empty()) {
                std::filesystem::create_hard_link(lots_.of(files_), path);
            }
            break;
        default: add_file(path, is_crowded);
        }
    }

    /// Only where the test may.
    void add_device(const std::filesystem::path& path)
    {
        const auto first = static_cast<unsigned>(1 + lots_.below(4095));
        const auto second = static_cast<unsigned>(lots_.below(1U << 20U));
        ignore_failure(::mknod(path.c_str(), S_IFCHR | 0600, makedev(first, second)));
    }

    void add_file(const std::filesystem::path& path, bool is_crowded)
    {
        static const std::vector<std::size_t> sizes{0,    1,     60,    511,   512,   4000,   4095,   4096,   4097,
                                                    8191, 12288, 20000, 40000, 65536, 100001, 262144, 300000, 1500000};
        const auto size = is_crowded ? lots_.below(60) : lots_.of(sizes);
        const auto bytes = content(size);
        std::ofstream{path, std::ios::binary}.write(as_text(bytes).data(), static_cast<std::streamsize>(bytes.size()));
        files_.push_back(path);
    }

    /// Noise, text, zeros, all of them by turns, or pieces of what was there before.
    Bytes content(std::size_t size)
    {
        Bytes out;
        while (out.size() < size) {
            const auto count = 1 + lots_.below(lots_.one_in(3) ? 100'000 : 9000);
            const auto piece = part(count);
            out.insert(out.end(), piece.begin(), piece.end());
        }
        out.resize(size);
        if (out.size() > 10'000) {
            before_ = out;
        }
        return out;
    }

    Bytes part(std::size_t count)
    {
        switch (lots_.below(4)) {
        case 0: return noise(count, lots_.below(1000));
        case 1: return Bytes(count);
        case 2:
            if (!before_.empty()) {
                const auto from = lots_.below(before_.size());
                const auto end = std::min(before_.size(), from + count);
                return {before_.begin() + static_cast<std::ptrdiff_t>(from),
                        before_.begin() + static_cast<std::ptrdiff_t>(end)};
            }
            [[fallthrough]];
        default: {
            std::string text;
            for (auto line = lots_.below(100'000); text.size() < count; ++line) {
                text += "this is line " + std::to_string(line) + "\n";
            }
            return bytes_of(text);
        }
        }
    }

    /// Times, owners, permissions, attributes.  Owners and some attributes only where the test may set them.
    void touch_all()
    {
        for (const auto& entry : std::filesystem::recursive_directory_iterator{root()}) {
            const auto path = entry.path().string();
            if (lots_.one_in(4)) {
                const bool is_large = lots_.one_in(2);
                ignore_failure(::lchown(path.c_str(), is_large ? 1'000'000 : 1000, is_large ? 2'000'000 : 65535));
            }
            if (!entry.is_symlink() && lots_.one_in(4)) {
                ignore_failure(::chmod(path.c_str(), 0500U | static_cast<mode_t>(lots_.below(010000))));
            }
            if (!entry.is_symlink() && lots_.one_in(3)) {
                set_attributes(path);
            }
            const std::array<timespec, 2> times{
                timespec{.tv_sec = 1'400'000'000 + static_cast<std::int64_t>(lots_.below(400'000'000)),
                         .tv_nsec = static_cast<long>(lots_.below(1'000'000'000))},
                timespec{.tv_sec = 1'600'000'000, .tv_nsec = 0}};
            ::utimensat(AT_FDCWD, path.c_str(), std::array{times[0], times[0]}.data(), AT_SYMLINK_NOFOLLOW);
        }
    }

    void set_attributes(const std::string& path)
    {
        static const std::vector<std::string> names{"user.note", "user.a", "user.long name of an attribute",
                                                    "trusted.x", "security.selinux"};
        for (std::uint64_t i = 0; i < 1 + lots_.below(3); ++i) {
            const auto value = std::string(lots_.one_in(5) ? lots_.below(400) : lots_.below(20),
                                           static_cast<char>('a' + lots_.below(3)));
            ignore_failure(::lsetxattr(path.c_str(), lots_.of(names).c_str(), value.data(), value.size(), 0));
        }
    }

    static void ignore_failure(int /*result*/) {}

    TemporaryFolder folder_;
    Lots lots_;
    std::vector<std::filesystem::path> files_;
    Bytes before_;
};

/// Options for mkfs.erofs, and what they change of the files.
struct Options {
    std::string text;
    bool has_attributes{true};
    bool is_all_roots{false};
    std::optional<std::int64_t> time;
};

bool has_newer_options()
{
    return run_command(mkfs_erofs() + " --help 2>&1 | grep -q xattr-prefix").has_value();
}

Options draw_options(Lots& lots, bool is_newer)
{
    Options out{.text = "-x" + std::to_string(lots.below(3)), .time = {}};
    std::string extended;
    const auto extend = [&](const std::string& option) { extended += (extended.empty() ? "-E" : ",") + option; };
    const std::vector<std::string> codecs =
        is_newer ? std::vector<std::string>{"lz4", "lz4hc", "lzma", "deflate", "zstd", "lz4:lzma"}
                 : std::vector<std::string>{"lz4", "lz4hc"};
    if (lots.one_in(8)) {
        out.has_attributes = false;
        out.text = "-x-1";
    }
    if (lots.one_in(6)) {
        out.text += " --chunksize=" + std::to_string(4096U << lots.below(4));
    } else if (!lots.one_in(5)) {
        out.text += " -z" + lots.of(codecs);
        if (lots.one_in(2)) {
            out.text += " -C" + std::to_string(4096U << lots.below(9));
        }
        if (lots.one_in(3)) {
            extend("ztailpacking");
        }
        if (lots.one_in(4)) {
            extend("legacy-compress");
        }
        // Not with ztailpacking: the last block of the packed inode may then lie otherwise than mkfs.erofs 1.9.3 says.
        const bool has_tails = extended.find("ztailpacking") != std::string::npos;
        if (is_newer && !has_tails && lots.one_in(2)) {
            extend(lots.one_in(2) ? "fragments" : "all-fragments");
        }
        if (is_newer && !has_tails && lots.one_in(2)) {
            extend("dedupe");
        }
        // What mkfs.erofs 1.9.3 makes with this its own fsck.erofs refuses.
        if (!is_newer && lots.one_in(6)) {
            out.text += " --max-extent-bytes=" + std::to_string(4096U << lots.below(6));
        }
    }
    // Not with ztailpacking: what mkfs.erofs 1.9.3 then writes of small files is wrong for its own fsck.erofs, too.
    if (lots.one_in(6) && extended.find("ztailpacking") == std::string::npos) {
        extend("noinline_data");
    }
    if (lots.one_in(6)) {
        extend("force-inode-extended");
    }
    if (lots.one_in(6)) {
        out.is_all_roots = true;
        out.text += " --all-root";
    }
    if (lots.one_in(5)) {
        out.time = 1'500'000'000;
        out.text += " -T1500000000";
    }
    if (is_newer && lots.one_in(4)) {
        out.text += " --xattr-prefix=user.no --xattr-prefix=security.se";
    }
    if (is_newer && lots.one_in(3)) {
        out.text += " -b" + std::to_string(512U << lots.below(4));
    }
    out.text += " " + extended;
    return out;
}

class Comparison {
public:
    Comparison(const filesystem::FileSystem& fs, std::filesystem::path root, const Options& options)
        : fs_{fs}, root_{std::move(root)}, options_{options}
    {
    }

    void run()
    {
        const auto entries = walk_all(fs_);
        for (const auto& [path, entry] : entries) {
            SCOPED_TRACE(path);
            compare(root_ / path, entry);
        }
        std::size_t expected = 0;
        for (const auto& origin : std::filesystem::recursive_directory_iterator{root_}) {
            EXPECT_TRUE(entries.contains(origin.path().lexically_relative(root_).string())) << origin.path();
            ++expected;
        }
        EXPECT_EQ(entries.size(), expected);
    }

private:
    void compare(const std::filesystem::path& origin, const Entry& entry) const
    {
        struct stat status{};
        ASSERT_EQ(::lstat(origin.c_str(), &status), 0);
        EXPECT_EQ(entry.type, type_of(status.st_mode));
        EXPECT_EQ(entry.mode, status.st_mode & 07777U);
        EXPECT_EQ(entry.uid, options_.is_all_roots ? 0 : status.st_uid);
        EXPECT_EQ(entry.gid, options_.is_all_roots ? 0 : status.st_gid);
        EXPECT_EQ(entry.links, status.st_nlink);
        const auto time = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
        EXPECT_EQ(entry.modified.total_nanoseconds(), options_.time ? *options_.time * 1'000'000'000 : time);
        EXPECT_EQ(attributes_of(fs_, entry.inode), options_.has_attributes ? attributes_of(origin) : AttributeMap{});
        if (entry.type == EntryType::character_device) {
            EXPECT_EQ(entry.device, std::uint64_t{major(status.st_rdev)} << 32U | minor(status.st_rdev));
        }
        if (entry.type == EntryType::file) {
            EXPECT_EQ(entry.size.value, static_cast<std::uint64_t>(status.st_size));
            const auto content = content_of(fs_, entry.inode);
            EXPECT_TRUE(content == read_file(origin) || is_fault_of_mkfs(origin, content));
        }
        if (entry.type == EntryType::symlink) {
            EXPECT_EQ(fs_.read_link(entry.inode).value(), std::filesystem::read_symlink(origin).string());
        }
    }

    /// With ztailpacking mkfs.erofs 1.5 now and then writes the last block of a file wrongly (its end first padded,
    /// then called plain): what counts then is that fsck.erofs reads the same.
    [[nodiscard]] bool is_fault_of_mkfs(const std::filesystem::path& origin, const Bytes& content) const
    {
        if (options_.text.find("ztailpacking") == std::string::npos) {
            return false;
        }
        const auto image = root_.parent_path() / "erofs.img";
        const auto extracted = root_.parent_path() / "extracted";
        std::filesystem::create_directory(extracted);
        must_run(tools("fsck.erofs --overwrite --extract=" + extracted.string() + " " + image.string() + " 2>&1"));
        return content == read_file(extracted / origin.lexically_relative(root_));
    }

    const filesystem::FileSystem& fs_;
    std::filesystem::path root_;
    const Options& options_;
};

class ErofsTools : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (!have_erofs_tools()) {
            GTEST_SKIP() << "erofs-utils are not installed";
        }
    }
};

TEST_F(ErofsTools, EveryFileIsAsInTheFolder)
{
    const auto first = number_from_environment("SALVAGE_EROFS_SEED", 1);
    const auto rounds = number_from_environment("SALVAGE_EROFS_ROUNDS", 12);
    const bool is_newer = has_newer_options();
    for (auto seed = first; seed < first + rounds && !HasFailure(); ++seed) {
        RandomTree tree{seed};
        const auto options = draw_options(tree.lots(), is_newer);
        SCOPED_TRACE("seed " + std::to_string(seed) + ": " + options.text);
        const auto image = erofs_image(tree.root(), tree.folder(), options.text);
        const auto fs = open_f2fs(io::open_file(image).value());
        for (const auto& finding : fs->findings()) {
            ADD_FAILURE() << finding.code << ": " << finding.text;
        }
        Comparison{*fs, tree.root(), options}.run();
        const char* const keep = std::getenv("SALVAGE_EROFS_KEEP"); // NOLINT(concurrency-mt-unsafe)
        if (HasFailure() && keep != nullptr) {
            must_run("cp -a " + tree.folder().string() + " " + keep);
        }
    }
}

TEST_F(ErofsTools, LabelsOfAFileOfContextsAreAttributes)
{
    const RandomTree tree{1};
    const TemporaryFolder scratch;
    const auto contexts = scratch.write("contexts", as_bytes("/.* u:object_r:system_file:s0\n"));
    if (run_command(mkfs_erofs() + " --help 2>&1 | grep -q file-contexts") == std::nullopt) {
        GTEST_SKIP() << "this mkfs.erofs knows no labels";
    }
    const auto image = erofs_image(tree.root(), tree.folder(), "-zlz4 --file-contexts=" + contexts.string());
    const auto fs = open_f2fs(io::open_file(image).value());
    const auto entries = walk_all(*fs);
    EXPECT_GT(entries.size(), 5U);
    for (const auto& [path, entry] : entries) {
        const auto attributes = attributes_of(*fs, entry.inode);
        ASSERT_TRUE(attributes.contains("security.selinux")) << path;
        EXPECT_EQ(attributes.at("security.selinux"), to_hex(as_bytes("u:object_r:system_file:s0"))) << path;
    }
}

TEST_F(ErofsTools, APartOnAnotherDeviceIsRefusedAndTheRestRead)
{
    const RandomTree tree{1};
    const auto image =
        erofs_image(tree.root(), tree.folder(), "--chunksize=4096 --blobdev=" + (tree.folder() / "blob").string());
    const auto fs = open_f2fs(io::open_file(image).value());
    EXPECT_TRUE(has_finding(*fs, "erofs-devices"));
    std::size_t refused = 0;
    for (const auto& [path, entry] : walk_all(*fs)) {
        const bool is_there = entry.type != EntryType::file || is_all_zero(read_file(tree.root() / path));
        if (is_there) {
            continue;
        }
        const auto opened = fs->open(entry.inode);
        ASSERT_TRUE(fails_with(opened, ErrorCode::unsupported));
        EXPECT_NE(opened.error().what.find("another device"), std::string::npos);
        EXPECT_FALSE(opened.error().hint.empty());
        ++refused;
    }
    EXPECT_GT(refused, 3U);
}

} // namespace
} // namespace salvage::test
