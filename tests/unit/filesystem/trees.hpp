// A folder of all sorts of files, and images that mke2fs and debugfs make of it.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images.hpp"

namespace salvage::test {

/// The same bytes each time; no two blocks alike.
inline Bytes noise(std::size_t count, std::uint64_t seed)
{
    Bytes out(count);
    auto state = seed * 2 + 1;
    for (auto& byte : out) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        byte = static_cast<std::byte>(state >> 56U);
    }
    return out;
}

/// A folder for mke2fs -d.
class Tree {
public:
    Tree()
    {
        std::filesystem::create_directory(root());
        put("empty", 0);
        put("small.txt", 40);
        put("inline-limit", 60);
        put("one-block", 1024);
        put("one-more", 4097);
        put("large", 400'000); // 1 KiB blocks: beyond single indirection
        std::filesystem::create_directories(root() / "media/0/DCIM/Camera");
        put("media/0/DCIM/Camera/IMG_0001.jpg", 30'000);
        std::filesystem::create_hard_link(root() / "small.txt", root() / "media/second-name");
        std::filesystem::create_symlink("media/0/DCIM", root() / "short-link");
        std::filesystem::create_symlink(std::string(59, 'a'), root() / "link-of-59");
        std::filesystem::create_symlink(std::string(60, 'b'), root() / "link-of-60");
        std::filesystem::create_symlink("/" + std::string(700, 'c'), root() / "long-link");
        put("odd \xFF\xFE\n name", 10);
        put(std::string(255, 'n'), 10);
        put("\xD0\xB8\xD0\xBC\xD1\x8F", 10);
        make_sparse();
        std::filesystem::create_directory(root() / "many");
        for (int i = 0; i < 300; ++i) {
            put("many/file with a long name to fill blocks " + std::to_string(i), i % 3 == 0 ? 5 : 0);
        }
        ::chmod((root() / "small.txt").c_str(), 04751);
        set_time("small.txt", 1'500'000'001);
    }

    [[nodiscard]] std::filesystem::path root() const { return folder_.path() / "tree"; }
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

    /// Image of the tree: `options` go to mke2fs.
    [[nodiscard]] std::filesystem::path image(const std::string& options, const std::string& size = "4M") const
    {
        auto path = folder_.path() / "image";
        std::filesystem::remove(path);
        must_run(tools("mke2fs -q -F " + options + " -U 00112233-4455-6677-8899-aabbccddeeff -L salvage -d " +
                       root().string() + " " + path.string() + " " + size + " 2>&1"));
        return path;
    }

    static void debugfs(const std::filesystem::path& image, const std::string& commands)
    {
        const TemporaryFolder scratch;
        const auto file = scratch.write("commands", as_bytes(commands));
        must_run(tools("debugfs -w -f " + file.string() + " " + image.string() + " 2>&1"));
    }

    static std::string ask(const std::filesystem::path& image, const std::string& request)
    {
        return must_run(tools("debugfs -R '" + request + "' " + image.string() + " 2>/dev/null"));
    }

    void put(const std::string& name, std::size_t count) const
    {
        std::ofstream file{root() / name, std::ios::binary};
        const auto bytes = noise(count, count + name.size());
        file.write(as_text(bytes).data(), static_cast<std::streamsize>(count));
    }

    void set_time(const std::string& name, std::int64_t seconds) const
    {
        const std::array<timespec, 2> times{timespec{.tv_sec = seconds, .tv_nsec = 0},
                                            timespec{.tv_sec = seconds, .tv_nsec = 0}};
        ::utimensat(AT_FDCWD, (root() / name).c_str(), times.data(), AT_SYMLINK_NOFOLLOW);
    }

private:
    void make_sparse() const
    {
        std::ofstream file{root() / "sparse", std::ios::binary};
        file.seekp(200'000);
        file.write("in the middle", 13);
        file.seekp(900'000);
        file.write("end", 3);
    }

    TemporaryFolder folder_;
};

} // namespace salvage::test
