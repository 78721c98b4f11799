<?php
/**
 * Plugin Name: Story widget
 * Description: One live discussion on every site that runs a story. Paste the address of a discussion to republish a story with it, or put the discussion below your own posts.
 * Version: 1.0.0
 * Requires at least: 6.1
 * Requires PHP: 7.4
 * License: GPL-2.0-or-later
 * License URI: https://www.gnu.org/licenses/gpl-2.0.html
 * Text Domain: story-widget
 *
 * Two uses, in Settings > Story widget:
 *
 * - You republish stories: name the server of the discussions. Then an address such as
 *   https://widgets.example/s/0123456789AB, alone in its line, becomes the discussion. In every role.
 * - You publish stories: add the key that the server's dashboard shows under Tokens > Signing keys. Then
 *   the discussion stands below your posts, with a box from which others republish them.
 *
 * In wp-config.php instead of the form, so that the key is in no backup of the database:
 *
 *     define( 'STORY_WIDGET_SERVER', 'https://widgets.example' );
 *     define( 'STORY_WIDGET_KEY', 'the line that the dashboard shows' );
 *
 * The key signs the tokens of stories and nothing else: it cannot sign readers in.
 */

defined( 'ABSPATH' ) || exit;

const STORY_WIDGET_OPTION   = 'story_widget';
const STORY_WIDGET_META      = '_story_widget_use';
const STORY_WIDGET_HANDLE   = 'story-widget';
const STORY_WIDGET_PATIENCE = 2;  // Seconds that a list waits for the numbers.
const STORY_WIDGET_LICENCES = array(
	'CC-BY-4.0'    => array( 'CC BY 4.0', 'https://creativecommons.org/licenses/by/4.0/' ),
	'CC-BY-SA-4.0' => array( 'CC BY-SA 4.0', 'https://creativecommons.org/licenses/by-sa/4.0/' ),
	'CC-BY-ND-4.0' => array( 'CC BY-ND 4.0', 'https://creativecommons.org/licenses/by-nd/4.0/' ),
	'CC-BY-NC-4.0' => array( 'CC BY-NC 4.0', 'https://creativecommons.org/licenses/by-nc/4.0/' ),
	'CC0-1.0'      => array( 'CC0 1.0', 'https://creativecommons.org/publicdomain/zero/1.0/' ),
);

// Seconds for which lists show the same numbers of comments.
defined( 'STORY_WIDGET_COUNTED' ) || define( 'STORY_WIDGET_COUNTED', 60 );

// Settings ------------------------------------------------------------------------------------------

/** Returns one setting: of wp-config.php, else of the form, else its default. */
function story_widget_setting( $name ) {
	$constant = 'STORY_WIDGET_' . strtoupper( $name );
	if ( defined( $constant ) ) {
		return (string) constant( $constant );
	}
	$defaults = array( 'server' => '', 'key' => '', 'licence' => 'CC-BY-4.0', 'use' => 'republish' );
	$stored   = (array) get_option( STORY_WIDGET_OPTION, array() );
	return isset( $stored[ $name ] ) ? (string) $stored[ $name ] : $defaults[ $name ];
}

/** Returns the server's address without a final slash, or an empty string if none is set. */
function story_widget_server() {
	return rtrim( story_widget_setting( 'server' ), '/' );
}

/** Returns the parts of the key: site, generation, key; or null if there is none. */
function story_widget_key() {
	$parts = explode( '.', trim( story_widget_setting( 'key' ) ) );
	return story_widget_is_key( implode( '.', $parts ) ) ? $parts : null;
}

function story_widget_is_key( $text ) {
	return 1 === preg_match( '/^[a-z0-9][a-z0-9-]{0,39}\.(0|[1-9][0-9]{0,8})\.[0-9a-f]{64}$/', $text );
}

/** Checks what was typed into the form. What is wrong keeps its earlier value. */
function story_widget_check( $typed ) {
	$typed  = is_array( $typed ) ? $typed : array();
	$before = (array) get_option( STORY_WIDGET_OPTION, array() );
	$server = isset( $typed['server'] ) ? rtrim( esc_url_raw( trim( $typed['server'] ), array( 'https', 'http' ) ), '/' ) : '';
	$local  = in_array( wp_parse_url( $server, PHP_URL_HOST ), array( 'localhost', '127.0.0.1' ), true );
	if ( '' !== $server && ( wp_parse_url( $server, PHP_URL_PATH ) || ( ! $local && 0 !== strpos( $server, 'https://' ) ) ) ) {
		add_settings_error( STORY_WIDGET_OPTION, 'server', __( 'The server is an address such as https://widgets.example, without a path.', 'story-widget' ) );
		$server = isset( $before['server'] ) ? $before['server'] : '';
	}
	$key = isset( $typed['key'] ) ? trim( $typed['key'] ) : '';
	if ( ! empty( $typed['forget'] ) ) {
		$key = '';
	} elseif ( '' === $key ) {
		$key = isset( $before['key'] ) ? $before['key'] : ''; // The form never shows the stored key.
	} elseif ( ! story_widget_is_key( $key ) ) {
		add_settings_error( STORY_WIDGET_OPTION, 'key', __( 'This is not a whole key. Copy the line from the dashboard: Tokens, Signing keys, For WordPress.', 'story-widget' ) );
		$key = isset( $before['key'] ) ? $before['key'] : '';
	}
	$licence = isset( $typed['licence'], STORY_WIDGET_LICENCES[ $typed['licence'] ] ) ? $typed['licence'] : 'CC-BY-4.0';
	$use     = isset( $typed['use'] ) && in_array( $typed['use'], array( 'republish', 'discuss', 'off' ), true ) ? $typed['use'] : 'republish';
	story_widget_forget_embeds();
	return compact( 'server', 'key', 'licence', 'use' );
}

/** Lets WordPress ask again for what stands in posts: it keeps the answers of servers for a day. */
function story_widget_forget_embeds() {
	global $wpdb;
	$wpdb->query( "DELETE FROM {$wpdb->postmeta} WHERE meta_key LIKE '\\_oembed\\_%'" ); // phpcs:ignore WordPress.DB
	wp_cache_flush();
}
register_activation_hook( __FILE__, 'story_widget_forget_embeds' );

/** Removes what the plugin stored. Addresses in posts stay, and are links or frames again. */
function story_widget_uninstall() {
	delete_option( STORY_WIDGET_OPTION );
	delete_post_meta_by_key( STORY_WIDGET_META );
	story_widget_forget_embeds();
}
register_uninstall_hook( __FILE__, 'story_widget_uninstall' );

add_action( 'admin_init', function () {
	register_setting( STORY_WIDGET_OPTION, STORY_WIDGET_OPTION, array( 'sanitize_callback' => 'story_widget_check' ) );
} );

add_action( 'admin_menu', function () {
	$title = __( 'Story widget', 'story-widget' );
	add_options_page( $title, $title, 'manage_options', STORY_WIDGET_OPTION, 'story_widget_page' );
} );

function story_widget_page() {
	$fixed = function ( $name ) {
		return disabled( defined( 'STORY_WIDGET_' . strtoupper( $name ) ), true, false );
	};
	$field = STORY_WIDGET_OPTION;
	?>
	<div class="wrap"><h1><?php esc_html_e( 'Story widget', 'story-widget' ); ?></h1>
	<form method="post" action="options.php"><?php settings_fields( STORY_WIDGET_OPTION ); ?>
	<table class="form-table" role="presentation">
	<tr><th scope="row"><label for="sw-server"><?php esc_html_e( 'Server of the discussions', 'story-widget' ); ?></label></th>
		<td><input id="sw-server" class="regular-text" type="url" name="<?php echo esc_attr( $field ); ?>[server]" value="<?php echo esc_attr( story_widget_server() ); ?>" placeholder="https://widgets.example"<?php echo $fixed( 'server' ); // phpcs:ignore ?>>
		<p class="description"><?php esc_html_e( 'Enough to republish: paste the address of a discussion into a post, alone in its line.', 'story-widget' ); ?></p></td></tr>
	<tr><th scope="row"><label for="sw-key"><?php esc_html_e( 'Key, if you publish stories there', 'story-widget' ); ?></label></th>
		<td><input id="sw-key" class="regular-text" type="password" autocomplete="off" name="<?php echo esc_attr( $field ); ?>[key]" value="" placeholder="<?php echo esc_attr( story_widget_key() ? __( 'A key is set', 'story-widget' ) : '' ); ?>"<?php echo $fixed( 'key' ); // phpcs:ignore ?>>
		<?php if ( story_widget_key() && ! defined( 'STORY_WIDGET_KEY' ) ) : ?>
			<label><input type="checkbox" name="<?php echo esc_attr( $field ); ?>[forget]" value="1"> <?php esc_html_e( 'Remove the key', 'story-widget' ); ?></label>
		<?php endif; ?>
		<p class="description"><?php esc_html_e( 'In the dashboard: Tokens, Signing keys, For WordPress. It signs the tokens of your posts and nothing else. Safer: define STORY_WIDGET_KEY in wp-config.php.', 'story-widget' ); ?></p></td></tr>
	<tr><th scope="row"><label for="sw-licence"><?php esc_html_e( 'Licence of your posts', 'story-widget' ); ?></label></th>
		<td><select id="sw-licence" name="<?php echo esc_attr( $field ); ?>[licence]"<?php echo $fixed( 'licence' ); // phpcs:ignore ?>>
		<?php foreach ( STORY_WIDGET_LICENCES as $id => $licence ) : ?>
			<option value="<?php echo esc_attr( $id ); ?>"<?php selected( story_widget_setting( 'licence' ), $id ); ?>><?php echo esc_html( $licence[0] ); ?></option>
		<?php endforeach; ?></select></td></tr>
	<tr><th scope="row"><label for="sw-use"><?php esc_html_e( 'Below posts', 'story-widget' ); ?></label></th>
		<td><select id="sw-use" name="<?php echo esc_attr( $field ); ?>[use]"<?php echo $fixed( 'use' ); // phpcs:ignore ?>>
		<?php foreach ( story_widget_uses() as $id => $name ) : ?>
			<option value="<?php echo esc_attr( $id ); ?>"<?php selected( story_widget_setting( 'use' ), $id ); ?>><?php echo esc_html( $name ); ?></option>
		<?php endforeach; ?></select>
		<p class="description"><?php esc_html_e( 'Each post can differ. While the discussion stands below a post, the post takes no new comments of WordPress; earlier ones stay.', 'story-widget' ); ?></p></td></tr>
	</table><?php submit_button(); ?></form></div>
	<?php
}

/** Returns what can stand below a post. */
function story_widget_uses() {
	return array(
		'republish' => __( 'The discussion, and “Republish this story”', 'story-widget' ),
		'discuss'   => __( 'The discussion; the post may not be republished', 'story-widget' ),
		'off'       => __( 'Nothing', 'story-widget' ),
	);
}

// Republishing: an address becomes the discussion ---------------------------------------------------

add_action( 'init', function () {
	$server = story_widget_server();
	if ( '' !== $server ) {
		wp_oembed_add_provider( "$server/s/*", "$server/oembed" );
		wp_register_script( STORY_WIDGET_HANDLE, "$server/embed.js", array(), null, true ); // phpcs:ignore WordPress.WP.EnqueuedResourceParameters
	}
} );

add_filter( 'script_loader_tag', function ( $tag, $handle ) {
	return STORY_WIDGET_HANDLE === $handle && false === strpos( $tag, ' async' ) ? str_replace( ' src=', ' async src=', $tag ) : $tag;
}, 10, 2 );

/** Puts the link and the credit in the place of the server's frame; the editor's preview keeps the frame. */
add_filter( 'oembed_dataparse', function ( $html, $data, $url ) {
	$server = story_widget_server();
	$route  = isset( $GLOBALS['wp']->query_vars['rest_route'] ) ? $GLOBALS['wp']->query_vars['rest_route'] : '';
	if ( '' === $server || 0 !== strpos( $url, "$server/s/" ) || empty( $data->url ) || 0 === strpos( $route, '/oembed/1.0/proxy' ) ) {
		return $html;
	}
	$get = function ( $name ) use ( $data ) {
		return isset( $data->$name ) && is_string( $data->$name ) ? $data->$name : '';
	};
	return story_widget_snippet( $get( 'url' ), '', array(
		'title'   => $get( 'title' ),
		'url'     => $get( 'canonical' ),
		'byline'  => implode( ', ', array_unique( array_filter( array( $get( 'author_name' ), $get( 'provider_name' ) ) ) ) ),
		'licence' => $get( 'license' ),
	) );
}, 20, 3 );

/** Loads the script on pages whose text contains a discussion. */
add_filter( 'the_content', function ( $content ) {
	if ( '' !== story_widget_server() && false !== strpos( $content, 'story-widget' ) && ! is_feed() ) {
		wp_enqueue_script( STORY_WIDGET_HANDLE );
	}
	return $content;
}, 100 );

/** Adds “Story discussion” to the blocks: a block of WordPress's own, so that posts outlive the plugin. */
add_action( 'enqueue_block_editor_assets', function () {
	$server = story_widget_server();
	if ( '' === $server ) {
		return;
	}
	$named = wp_json_encode( array(
		'title'       => __( 'Story discussion', 'story-widget' ),
		'description' => __( 'Paste the address of a discussion. Readers of every copy of the story take part in it.', 'story-widget' ),
		'server'      => $server,
	) );
	wp_add_inline_script( 'wp-edit-post', "( function ( named ) {
		wp.domReady( function () {
			wp.blocks.registerBlockVariation( 'core/embed', {
				name: 'story-widget',
				title: named.title,
				description: named.description,
				icon: 'format-chat',
				keywords: [ 'comments', 'reactions', 'republish' ],
				patterns: [ new RegExp( '^' + named.server.replace( /[.*+?^\${}()|[\\]\\\\]/g, '\\\\$&' ) + '/s/[0-9A-Za-z]{12}/?$' ) ],
				attributes: { providerNameSlug: 'story-widget', responsive: true },
				isActive: [ 'providerNameSlug' ],
			} );
		} );
	} )( $named );" );
} );

// Publishing: the discussion below posts ------------------------------------------------------------

/** Returns what stands below a post: `republish`, `discuss` or `off`. */
function story_widget_use( $post ) {
	if ( ! story_widget_key() || '' === story_widget_server() || 'post' !== $post->post_type || 'publish' !== $post->post_status || '' !== $post->post_password ) {
		return 'off';
	}
	$own = get_post_meta( $post->ID, STORY_WIDGET_META, true );
	return isset( story_widget_uses()[ $own ] ) ? $own : story_widget_setting( 'use' );
}

/** Returns the story key of a post. It never changes, whatever address the post gets. */
function story_widget_story( $post ) {
	$story = is_multisite() ? 'wp-' . get_current_blog_id() . '-' . $post->ID : 'wp-' . $post->ID;
	return apply_filters( 'story_widget_story', $story, $post );
}

/** Returns the credit of a post, as plain text. */
function story_widget_credit( $post ) {
	$plain = function ( $text, $most ) {
		$text = html_entity_decode( wp_strip_all_tags( $text, true ), ENT_QUOTES, 'UTF-8' );
		return mb_substr( trim( preg_replace( '/[\p{C}\s]+/u', ' ', $text ) ), 0, $most );
	};
	$id    = story_widget_setting( 'licence' );
	return array(
		'title'     => $plain( get_the_title( $post ), 300 ),
		'url'       => get_permalink( $post ),
		'author'    => $plain( get_the_author_meta( 'display_name', $post->post_author ), 200 ),
		'publisher' => $plain( get_bloginfo( 'name' ), 200 ),
		'license'   => 'republish' === story_widget_use( $post ) ? $id : 'LicenseRef-All-Rights-Reserved',
	);
}

/** Returns the post's token for pages of this site. A changed post has a later `iat`, and so another token. */
function story_widget_token( $post ) {
	list( $site, $generation, $key ) = story_widget_key();
	$home   = wp_parse_url( home_url() );
	$port   = isset( $home['port'] ) ? ':' . $home['port'] : '';
	$claims = array_filter( story_widget_credit( $post ) ) + array(
		'story'   => story_widget_story( $post ),
		'origins' => array( $home['scheme'] . '://' . $home['host'] . $port ),
		'iat'     => min( time(), (int) get_post_modified_time( 'U', true, $post ) ),
		'lang'    => get_bloginfo( 'language' ),
	);
	$base64 = function ( $bytes ) {
		return rtrim( strtr( base64_encode( $bytes ), '+/', '-_' ), '=' ); // phpcs:ignore
	};
	$text   = "w1.$site.$generation." . $base64( wp_json_encode( $claims, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE ) );
	return $text . '.' . $base64( hash_hmac( 'sha256', $text, hex2bin( $key ), true ) );
}

/** Returns the story's public code: the first 12 of 43 base62 digits of a SHA-256. */
function story_widget_code( $post ) {
	$digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
	$number = array_values( unpack( 'C*', hash( 'sha256', story_widget_key()[0] . '/' . story_widget_story( $post ), true ) ) );
	$code   = '';
	for ( $place = 0; $place < 43; $place++ ) { // Long division by 62, byte by byte.
		$rest = 0;
		foreach ( $number as $index => $byte ) {
			$rest             = $rest * 256 + $byte;
			$number[ $index ] = intdiv( $rest, 62 );
			$rest            %= 62;
		}
		$code = $digits[ $rest ] . $code;
	}
	return substr( $code, 0, 12 );
}

/** Returns link and credit: all that remains where scripts are removed. `$token` may be empty. */
function story_widget_snippet( $page, $token, $credit ) {
	$title = $credit['title'];
	/* translators: %s: title of the story */
	$words = sprintf( __( 'React to and discuss “%s”: one conversation on every site that runs it', 'story-widget' ), $title );
	$about = '“' . story_widget_link( $credit['url'], $title ) . '”';
	if ( '' !== $credit['byline'] ) {
		/* translators: %s: author and publisher */
		$about .= ' ' . sprintf( __( 'by %s', 'story-widget' ), esc_html( $credit['byline'] ) );
	}
	return '<blockquote cite="' . esc_url( $credit['url'] ) . '"><p><a class="story-widget" href="' . esc_url( $page ) . '"'
		. ( '' === $token ? '' : ' data-widget-token="' . esc_attr( $token ) . '"' ) . '>' . esc_html( $words ) . '</a></p>'
		. "<p>$about. " . story_widget_licence( $credit['licence'] ) . ' ' . esc_html__( 'Changes: none.', 'story-widget' ) . '</p></blockquote>';
}

function story_widget_link( $url, $text ) {
	return '' === $url ? esc_html( $text ) : '<a href="' . esc_url( $url ) . '">' . esc_html( $text ) . '</a>';
}

/** Returns a licence, given as an SPDX id or as its address, with a link if it is known. */
function story_widget_licence( $licence ) {
	foreach ( STORY_WIDGET_LICENCES as $id => $known ) {
		if ( $id === $licence || $known[1] === $licence ) {
			return '<a rel="license" href="' . esc_url( $known[1] ) . '">' . esc_html( $known[0] ) . '</a>.';
		}
	}
	return '' === $licence ? '' : esc_html( $licence ) . '.';
}

add_filter( 'the_content', function ( $content ) {
	$post = get_post();
	// Not in_the_loop(): block themes show the post outside of the loop. Not in excerpts, which are made of the content.
	$own  = $post && is_singular( 'post' ) && get_queried_object_id() === $post->ID && ! doing_filter( 'get_the_excerpt' );
	$use  = $own ? story_widget_use( $post ) : 'off';
	// A republished story already brings its discussion.
	if ( 'off' === $use || is_feed() || false !== strpos( $content, 'class="story-widget"' ) ) {
		return $content;
	}
	$page  = story_widget_server() . '/s/' . story_widget_code( $post );
	$title = get_the_title( $post );
	/* translators: %s: title of the story */
	$words   = sprintf( __( 'React to and discuss “%s”', 'story-widget' ), html_entity_decode( $title, ENT_QUOTES, 'UTF-8' ) );
	$content .= '<p class="story-widget-place"><a class="story-widget" href="' . esc_url( $page ) . '" data-widget-token="' . esc_attr( story_widget_token( $post ) ) . '">' . esc_html( $words ) . '</a></p>';
	return 'republish' === $use ? $content . story_widget_box( $post, $page ) : $content;
}, 50 );

/** Returns the box “Republish this story”. It needs no script: the text field selects as any other. */
function story_widget_box( $post, $page ) {
	$credit = story_widget_credit( $post );
	$paste  = story_widget_snippet( $page, '', array(
		'title'   => $credit['title'],
		'url'     => $credit['url'],
		'byline'  => implode( ', ', array_filter( array( $credit['author'], $credit['publisher'] ) ) ),
		'licence' => $credit['license'],
	) ) . "\n" . '<script async="async" src="' . esc_url( story_widget_server() . '/embed.js' ) . '"></script>'; // phpcs:ignore
	return '<details class="story-widget-republish"><summary>' . esc_html__( 'Republish this story', 'story-widget' ) . '</summary>'
		/* translators: %s: name of the licence */
		. '<p>' . sprintf( esc_html__( 'You may republish this story, in print or online, under %s Give the credit, and say what you changed.', 'story-widget' ), story_widget_licence( $credit['license'] ) ) . '</p>'
		. '<p><label for="story-widget-paste">' . esc_html__( 'Paste this below the story as HTML. It is the credit, and brings the discussion along; you may leave the discussion out.', 'story-widget' ) . '</label></p>'
		. '<textarea id="story-widget-paste" readonly rows="8" style="width:100%">' . esc_textarea( $paste ) . '</textarea>'
		. '<p>' . story_widget_link( "$page/republish", __( 'For WordPress, Ghost and other systems', 'story-widget' ) ) . '</p></details>';
}

add_filter( 'comments_open', function ( $open, $id ) {
	$post = get_post( $id );
	return $post && 'off' !== story_widget_use( $post ) ? false : $open;
}, 10, 2 );

// Numbers of comments in lists ----------------------------------------------------------------------

/** Reads the numbers for all posts of a list with one request. Without an answer the list shows none. */
add_filter( 'the_posts', function ( $posts, $query ) {
	if ( is_admin() || $query->is_singular() || $query->is_feed() || ! story_widget_key() ) {
		return $posts;
	}
	$codes = array();
	foreach ( $posts as $post ) {
		if ( 'off' !== story_widget_use( $post ) && false === get_transient( 'story_widget_n_' . $post->ID ) ) {
			$codes[ $post->ID ] = story_widget_code( $post );
		}
	}
	if ( $codes ) {
		$asked   = story_widget_server() . '/v1/counts?story=' . implode( '&story=', $codes );
		$answer  = wp_remote_get( $asked, array( 'timeout' => STORY_WIDGET_PATIENCE ) );
		$counted = is_wp_error( $answer ) ? null : json_decode( wp_remote_retrieve_body( $answer ), true );
		foreach ( $codes as $id => $code ) {
			$number = isset( $counted['stories'][ $code ]['comments'] ) ? (int) $counted['stories'][ $code ]['comments'] : 0;
			set_transient( 'story_widget_n_' . $id, $number, STORY_WIDGET_COUNTED );
		}
	}
	return $posts;
}, 10, 2 );

add_filter( 'get_comments_number', function ( $number, $id ) {
	return (int) $number + (int) get_transient( 'story_widget_n_' . $id );
}, 10, 2 );

// Each post -----------------------------------------------------------------------------------------

add_action( 'add_meta_boxes_post', function () {
	if ( story_widget_key() ) {
		add_meta_box( 'story-widget', __( 'Discussion', 'story-widget' ), 'story_widget_post_box', null, 'side' );
	}
} );

function story_widget_post_box( $post ) {
	$own = get_post_meta( $post->ID, STORY_WIDGET_META, true );
	wp_nonce_field( 'story_widget_' . $post->ID, 'story_widget_nonce' );
	echo '<label for="sw-own">' . esc_html__( 'Below this post', 'story-widget' ) . '</label> <select id="sw-own" name="story_widget_use"><option value="">'
		. esc_html__( 'As for all posts', 'story-widget' ) . '</option>';
	foreach ( story_widget_uses() as $id => $name ) {
		echo '<option value="' . esc_attr( $id ) . '"' . selected( $own, $id, false ) . '>' . esc_html( $name ) . '</option>';
	}
	echo '</select>';
}

add_action( 'save_post_post', function ( $id ) {
	$nonce = isset( $_POST['story_widget_nonce'] ) ? sanitize_key( $_POST['story_widget_nonce'] ) : '';
	if ( ! wp_verify_nonce( $nonce, 'story_widget_' . $id ) || ! current_user_can( 'edit_post', $id ) || wp_is_post_autosave( $id ) ) {
		return;
	}
	$use = isset( $_POST['story_widget_use'] ) ? sanitize_key( $_POST['story_widget_use'] ) : '';
	if ( isset( story_widget_uses()[ $use ] ) ) {
		update_post_meta( $id, STORY_WIDGET_META, $use );
	} else {
		delete_post_meta( $id, STORY_WIDGET_META );
	}
} );
