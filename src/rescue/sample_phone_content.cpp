// What is on the sample phone: what an owner would miss, and what trips a careless exporter.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "sample_phone_crypto.hpp"
#include "sample_phone_jpeg.hpp"
#include "sample_phone_tree.hpp"

namespace salvage::rescue::sample {
namespace {

constexpr std::uint32_t system_user = 1000;
constexpr std::uint32_t radio_user = 1001;
constexpr std::uint32_t wifi_user = 1010;
constexpr std::uint32_t media_user = 1023;
constexpr std::uint32_t shell_user = 2000;
constexpr std::uint32_t contacts_user = 10004;
constexpr std::uint32_t chat_user = 10071;
constexpr std::uint32_t notes_user = 10083;
constexpr std::string_view media_label{"u:object_r:media_rw_data_file:s0"};
/// 2017-08-12 18:04:11 UTC, the first photo.
constexpr std::int64_t first_photo_time = 1502561051;

struct Folder {
    std::string_view path;
    std::uint32_t mode;
    std::uint32_t owner;
};
constexpr std::array folders{
    Folder{"/", 0771, system_user},
    Folder{"/app", 0771, system_user},
    Folder{"/app/com.example.notes-1", 0755, system_user},
    Folder{"/data", 0771, system_user},
    Folder{"/data/com.android.providers.contacts", 0751, contacts_user},
    Folder{"/data/com.android.providers.contacts/databases", 0771, contacts_user},
    Folder{"/data/com.android.providers.telephony", 0751, radio_user},
    Folder{"/data/com.android.providers.telephony/app_parts", 0771, radio_user},
    Folder{"/data/com.android.providers.telephony/databases", 0771, radio_user},
    Folder{"/data/com.whatsapp", 0751, chat_user},
    Folder{"/data/com.whatsapp/databases", 0771, chat_user},
    Folder{"/data/com.example.notes", 0751, notes_user},
    Folder{"/data/com.example.notes/files", 0771, notes_user},
    Folder{"/data/com.example.notes/shared_prefs", 0771, notes_user},
    Folder{"/local", 0751, 0},
    Folder{"/local/tmp", 0771, shell_user},
    Folder{"/media", 0770, media_user},
    Folder{"/media/0", 0770, media_user},
    Folder{"/media/0/DCIM", 0775, media_user},
    Folder{"/media/0/DCIM/Camera", 0775, media_user},
    Folder{"/media/0/Download", 0775, media_user},
    Folder{"/media/0/Music", 0775, media_user},
    Folder{"/media/0/Pictures", 0775, media_user},
    Folder{"/media/0/Pictures/Screenshots", 0775, media_user},
    Folder{"/media/0/empty folder", 0775, media_user},
    Folder{"/misc", 01771, system_user},
    Folder{"/misc/wifi", 0770, wifi_user},
    Folder{"/property", 0700, 0},
    Folder{"/system", 0775, system_user},
    Folder{"/system/users", 0771, system_user},
};

Attributes media_file(std::int64_t mtime)
{
    return {.mode = 0664, .owner = media_user, .mtime = mtime, .selinux = media_label};
}

std::string time_stamp(std::int64_t seconds, bool is_file_name)
{
    const auto of_day = seconds % 86400;
    // All photos lie within August 2017: no calendar is needed.
    constexpr std::int64_t first_of_august = 1501545600;
    const auto day = 1 + ((seconds - first_of_august) / 86400);
    return fmt::format(fmt::runtime(is_file_name ? "201708{:02}_{:02}{:02}{:02}" : "2017:08:{:02} {:02}:{:02}:{:02}"),
                       day, of_day / 3600, of_day / 60 % 60, of_day % 60);
}

Result<> stage_photos(Tree& tree, const SamplePhoneSpec& spec)
{
    auto random = SALVAGE_TRY(Random::make(spec.seed, "photos"));
    for (unsigned i = 0; i < spec.content.photos; ++i) {
        const auto taken = first_photo_time + (static_cast<std::int64_t>(i % 18) * 86'017) + i;
        const auto taken_text = time_stamp(taken, false);
        const auto photo = make_photo({.look = random.below(10'000), .taken = taken_text});
        SALVAGE_TRY(tree.file(fmt::format("/media/0/DCIM/Camera/IMG_{}.jpg", time_stamp(taken, true)), photo,
                              media_file(taken)));
    }
    const auto screenshot = make_photo({.width = 360, .height = 640, .look = 3});
    return tree.file("/media/0/Pictures/Screenshots/Screenshot_2017-08-20-21-15-02.jpg", screenshot,
                     media_file(1503263702));
}

/// One second of a 440 Hz tone: RIFF WAVE, mono, 16 bits, 22050 Hz.
Bytes make_tone()
{
    constexpr std::uint32_t rate = 22050;
    constexpr std::uint32_t data_bytes = rate * 2;
    Bytes out(44 + data_bytes);
    const auto word = [&](std::size_t at, std::uint32_t value) { store_le(std::span{out}.subspan(at, 4), value); };
    const auto name = [&](std::size_t at, std::string_view text) {
        std::ranges::copy(as_bytes(text), out.begin() + static_cast<std::ptrdiff_t>(at));
    };
    name(0, "RIFF");
    word(4, 36 + data_bytes);
    name(8, "WAVEfmt ");
    word(16, 16);
    word(20, 0x00010001); // PCM, one channel
    word(24, rate);
    word(28, rate * 2);
    word(32, 0x00100002); // two bytes a sample, 16 bits
    name(36, "data");
    word(40, data_bytes);
    for (std::uint32_t i = 0; i < rate; ++i) {
        const auto sample = static_cast<std::int16_t>(12000 * std::sin(2 * std::numbers::pi * 440 * i / rate));
        store_le(std::span{out}.subspan(44 + (std::size_t{i} * 2), 2), static_cast<std::uint16_t>(sample));
    }
    return out;
}

constexpr std::string_view small_pdf{"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
                                     "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
                                     "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>endobj\n"
                                     "trailer<</Root 1 0 R>>\n%%EOF\n"};

/// Names and shapes that break tools: every one was seen on a phone or follows from what ext4 allows.
Result<> stage_awkward_files(Tree& tree, Random& random)
{
    const std::string download{"/media/0/Download/"};
    SALVAGE_TRY(tree.text(download + "Mietvertrag Wohnung (2).pdf", small_pdf, media_file(1493802000)));
    SALVAGE_TRY(tree.text(download + "файл с пробелами.txt", "Привет\n", media_file(1493802060)));
    SALVAGE_TRY(tree.text(download + "写真メモ.txt", "海の写真\n", media_file(1493802120)));
    SALVAGE_TRY(tree.text(download + "naïve café 📷.txt", "composed\n", media_file(1493802180)));
    SALVAGE_TRY(tree.text(download + "nai\xCC\x88ve cafe\xCC\x81.txt", "decomposed\n", media_file(1493802240)));
    SALVAGE_TRY(tree.text(download + "latin1-caf\xE9.txt", "a name that is not UTF-8\n", media_file(1493802300)));
    SALVAGE_TRY(tree.text(download + "it's 100% \\ $HOME & more.txt", "shell characters\n", media_file(1493802360)));
    SALVAGE_TRY(tree.text(download + std::string(251, 'n') + ".txt", "the longest name\n", media_file(1493802420)));
    SALVAGE_TRY(tree.text(download + "empty.txt", "", media_file(1493802480)));
    SALVAGE_TRY(tree.text(download + "year-1970.txt", "the first second\n", media_file(0)));
    SALVAGE_TRY(tree.text(download + "year-2038.txt", "the last second of 32 bits\n", media_file(2147483647)));
    SALVAGE_TRY(tree.text(download + "after-2038.txt", "one second later\n", media_file(2147483648)));
    const auto noise = random.bytes(10'000);
    SALVAGE_TRY(tree.sparse_file(download + "holes.bin", 5U << 20U,
                                 {{.at = 1U << 20U, .bytes = noise}, {.at = (5U << 20U) - 3, .bytes = as_bytes("end")}},
                                 media_file(1493802540)));
    SALVAGE_TRY(tree.file(download + "block-4095.bin", ByteView{noise}.first(4095), media_file(1493802600)));
    SALVAGE_TRY(tree.file(download + "block-4096.bin", ByteView{noise}.first(4096), media_file(1493802660)));
    SALVAGE_TRY(tree.file(download + "block-4097.bin", ByteView{noise}.first(4097), media_file(1493802720)));
    std::string deep{"/media/0/Download/deep"};
    for (int level = 0; level < 10; ++level) {
        SALVAGE_TRY(tree.folder(deep, {.mode = 0775, .owner = media_user, .mtime = 1493802780}));
        deep += fmt::format("/level {}", level);
    }
    return tree.text(deep + ".txt", "ten folders down\n", media_file(1493802840));
}

Result<> stage_apps(Tree& tree)
{
    const Attributes app{.mode = 0660, .owner = notes_user, .mtime = 1503000000, .selinux = {}};
    const Attributes service{.mode = 0600, .owner = system_user, .mtime = 1503000100, .selinux = {}};
    const std::string notes{"/data/com.example.notes/"};
    SALVAGE_TRY(tree.text(notes + "files/note-1.txt", "Call the landlord about the boiler.\n", app));
    SALVAGE_TRY(tree.hard_link(notes + "files/note-1 (second name).txt", notes + "files/note-1.txt"));
    SALVAGE_TRY(tree.text(notes + "shared_prefs/settings.xml",
                          "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<map><boolean name=\"dark\" "
                          "value=\"true\" /></map>\n",
                          app));
    SALVAGE_TRY(tree.symlink(notes + "lib", "/data/app/com.example.notes-1/lib/arm64", app));
    SALVAGE_TRY(tree.symlink(notes + "files/latest", "note-1.txt", app));
    SALVAGE_TRY(tree.symlink(notes + "files/far",
                             "/data/app/" + std::string(120, 'x') + "/a target too long for the inode", app));
    SALVAGE_TRY(tree.text("/app/com.example.notes-1/base.apk", "PK\x05\x06" + std::string(18, '\0'),
                          {.mode = 0644, .owner = system_user, .mtime = 1502999000, .selinux = {}}));
    SALVAGE_TRY(
        tree.text("/misc/wifi/wpa_supplicant.conf",
                  "ctrl_interface=/data/misc/wifi/sockets\nnetwork={\n\tssid=\"Casa\"\n\tpsk=\"not-a-real-key\"\n}\n",
                  {.mode = 0660, .owner = wifi_user, .mtime = 1503000200, .selinux = {}}));
    SALVAGE_TRY(
        tree.text("/property/persist.sys.timezone", "Europe/Lisbon", {.mode = 0600, .owner = 0, .selinux = {}}));
    SALVAGE_TRY(tree.text("/system/users/0.xml",
                          "<?xml version='1.0' encoding='utf-8'?>\n<user id=\"0\"><name>Owner</name></user>\n",
                          service));
    return tree.fifo("/local/tmp/pipe", {.mode = 0600, .owner = shell_user, .selinux = {}});
}

} // namespace

Result<> stage_userdata(Tree& tree, const SamplePhoneSpec& spec)
{
    for (const auto& folder : folders) {
        SALVAGE_TRY(tree.folder(folder.path, {.mode = folder.mode, .owner = folder.owner, .selinux = {}}));
    }
    auto random = SALVAGE_TRY(Random::make(spec.seed, "files"));
    SALVAGE_TRY(stage_photos(tree, spec));
    SALVAGE_TRY(tree.file("/media/0/Music/tone.wav", make_tone(), media_file(1500000000)));
    SALVAGE_TRY(stage_awkward_files(tree, random));
    SALVAGE_TRY(stage_apps(tree));
    return stage_databases(tree);
}

Result<> stage_encrypted_files(Tree& tree, const SamplePhoneSpec& spec)
{
    auto random = SALVAGE_TRY(Random::make(spec.seed, "file-based"));
    const Attributes folder{.mode = 0700, .owner = 0, .selinux = {}};
    const Attributes key{.mode = 0600, .owner = 0, .selinux = {}};
    SALVAGE_TRY(tree.folder("/", {.mode = 0771, .owner = system_user, .selinux = {}}));
    for (const std::string path : {"/unencrypted", "/unencrypted/key", "/misc", "/misc/vold", "/misc/vold/user_keys",
                                   "/misc/vold/user_keys/ce", "/misc/vold/user_keys/de", "/media"}) {
        SALVAGE_TRY(tree.folder(path, folder));
    }
    SALVAGE_TRY(tree.text("/unencrypted/mode", "aes-256-xts:aes-256-cts", key));
    SALVAGE_TRY(tree.text("/unencrypted/key/version", "1", key));
    SALVAGE_TRY(tree.file("/unencrypted/key/encrypted_key", random.bytes(92), key));
    SALVAGE_TRY(tree.file("/unencrypted/key/keymaster_key_blob", random.bytes(444), key));
    SALVAGE_TRY(tree.file("/unencrypted/key/secdiscardable", random.bytes(16384), key));
    SALVAGE_TRY(tree.text("/unencrypted/key/stretching", "nopassword", key));
    for (int i = 0; i < 8; ++i) {
        SALVAGE_TRY(tree.file("/media/" + to_hex(random.bytes(20)), random.bytes(30'000), key));
    }
    return {};
}

Result<> stage_system(Tree& tree, std::string_view fstab)
{
    const Attributes folder{.mode = 0755, .owner = 0, .selinux = {}};
    const Attributes file{.mode = 0644, .owner = 0, .selinux = {}};
    for (const std::string path : {"/", "/bin", "/etc", "/vendor", "/vendor/etc"}) {
        SALVAGE_TRY(tree.folder(path, folder));
    }
    SALVAGE_TRY(tree.text("/build.prop",
                          "ro.product.manufacturer=SALVAGE\nro.product.model=K10 SAMPLE\nro.build.version.release=7.0\n"
                          "ro.build.version.sdk=24\nro.board.platform=mt6755\nro.crypto.state=encrypted\n",
                          file));
    SALVAGE_TRY(tree.text("/vendor/etc/fstab.mt6755", fstab, file));
    std::string vold{"\x7F"
                     "ELF\x01\x01\x01"};
    vold.resize(0x2345, '\x90');
    for (const std::string text :
         {"default_password", "footer", "aes-cbc-essiv:sha256", "ro.crypto.fs_crypto_blkdev"}) {
        vold += text + '\0';
    }
    vold.resize(0x4000, '\0');
    return tree.text("/bin/vold", vold, {.mode = 0755, .owner = 0, .selinux = {}});
}

} // namespace salvage::rescue::sample
