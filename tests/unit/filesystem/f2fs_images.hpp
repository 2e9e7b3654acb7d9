// f2fs volumes for these tests: made by mkfs.f2fs and sload.f2fs, or packed from what a kernel wrote.
#pragma once

#include <fstream>
#include <sstream>

#include "../fuzz/f2fs_seed.hpp"
#include "trees.hpp"

namespace salvage::test {

inline bool have_f2fs_tools()
{
    return run_command("PATH=$PATH:/sbin:/usr/sbin; command -v mkfs.f2fs sload.f2fs >/dev/null").has_value();
}

/// An image of `tree` in `folder`: `options` go to mkfs.f2fs.
inline std::filesystem::path f2fs_image(const std::filesystem::path& tree, const std::filesystem::path& folder,
                                        const std::string& options)
{
    auto path = folder / "f2fs.img";
    std::filesystem::remove(path);
    const auto name = path.string();
    must_run(tools("truncate -s 256M " + name + " && mkfs.f2fs -q -f -l 'a label \xC3\xA4' " + options + " " + name +
                   " >/dev/null && sload.f2fs -P -f " + tree.string() + " -t / " + name));
    return path;
}

/// What the kernel wrote into the small volumes of tests/guest/f2fs_inside.sh.
inline std::shared_ptr<fuzz::SeedVolume> kernel_volume(const std::string& name)
{
    return std::make_shared<fuzz::SeedVolume>(read_file(sample("../../fuzz/bases/f2fs") / name));
}

inline std::unique_ptr<const filesystem::FileSystem> open_f2fs(const io::SourcePtr& source)
{
    auto out = filesystem::open(source);
    if (!out.has_value()) {
        throw std::runtime_error{to_string(out.error())};
    }
    return std::move(*out);
}

/// What `noise COUNT NUMBER` writes in the guest: the stream of AES-128 in counter mode.
inline Bytes noise_of_guest(std::size_t count, std::uint8_t number)
{
    std::array<unsigned char, 16> key{};
    std::array<unsigned char, 16> counter{};
    for (std::size_t i = 0; i < key.size(); ++i) {
        key[i] = static_cast<unsigned char>(i);
    }
    counter.back() = number;
    const Bytes zeros(count);
    Bytes out(count);
    auto* const context = EVP_CIPHER_CTX_new();
    int written = 0;
    EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), nullptr, key.data(), counter.data());
    EVP_EncryptUpdate(context, as_uchar(std::span{out}), &written, as_uchar(ByteView{zeros}), static_cast<int>(count));
    EVP_CIPHER_CTX_free(context);
    return out;
}

/// Lines of fields that are apart by tabs.
inline std::vector<std::vector<std::string>> rows_of(const std::filesystem::path& path)
{
    std::ifstream file{path};
    std::vector<std::vector<std::string>> out;
    for (std::string line; std::getline(file, line);) {
        std::vector<std::string> fields;
        std::istringstream stream{line};
        for (std::string field; std::getline(stream, field, '\t');) {
            fields.push_back(field);
        }
        out.push_back(std::move(fields));
    }
    return out;
}

} // namespace salvage::test
